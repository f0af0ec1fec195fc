using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>Birth, sharing and end of address spaces, and which one a CPU runs in.</summary>
internal static partial class AddressSpaces
{
    /// <summary>ASIDs: 16 bits (TCR_EL1.AS = 1).</summary>
    private const int MaximumSpaces = 0xFFFE;

    /// <summary>Pages at the top that hold no stack: the trampoline's, and free ones around it.</summary>
    private const ulong TopPages = 16;

    /// <summary>Level-0 table without entries, for a task without address space.</summary>
    private static ulong _empty;

    /// <summary>ASID of a space.</summary>
    public static ushort Asid(Handle<AddressSpace> space) => (ushort)(space.Index + 1);

    /// <summary>The thread's address space.</summary>
    public static Handle<AddressSpace> Of(ref Thread thread) => Pool<Process>.Get(thread.Process).Memory;

    /// <summary>An empty space with one user: no areas, no limits, bases not yet chosen (see <see cref="ChooseBases"/>).</summary>
    public static bool TryCreate(out Handle<AddressSpace> created)
    {
        if (!SharedFrames.TryStart() || !TryStartEmpty() || !Pool<AddressSpace>.TryAdd(out created))
        {
            created = default;
            return false;
        }
        if (created.Index >= MaximumSpaces || !Frames.TryAllocate(out FrameAddress root))
        {
            Pool<AddressSpace>.Free(created);
            created = default;
            return false;
        }
        ref AddressSpace space = ref Pool<AddressSpace>.Get(created);
        space.References = 1;
        space.Root = root;
        space.AddressSpaceLimit = UserLayout.Unlimited;
        space.DataLimit = UserLayout.Unlimited;
        space.StackLimit = UserLayout.Unlimited;
        space.LockLimit = UserLayout.Unlimited;
        space.StackTop = UserLayout.Top - (TopPages << UserLayout.PageShift);
        space.MapBase = UserLayout.Top - UserLayout.LeastStackGap;
        return true;
    }

    /// <summary>
    /// Chooses stack top and mmap base at random, as Linux does from the stack limit (mm/util.c, mmap_base): below the
    /// top a gap of 128 MiB to 5/6 of everything for the stack, then the random part.
    /// </summary>
    public static void ChooseBases(Handle<AddressSpace> handle, ulong stackLimit)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        space.StackLimit = stackLimit;
        space.StackTop = UserLayout.Top - ((TopPages + RandomPages(UserLayout.StackRandomBits)) << UserLayout.PageShift);
        ulong pad = (TopPages << UserLayout.PageShift) + (1UL << (UserLayout.StackRandomBits + UserLayout.PageShift)) + UserLayout.StackGuard;
        ulong gap = stackLimit > UserLayout.GreatestStackGap - pad ? UserLayout.GreatestStackGap : stackLimit + pad;
        if (gap < UserLayout.LeastStackGap)
            gap = UserLayout.LeastStackGap;
        ulong room = UserLayout.Top - gap;
        ulong random = RandomPages(UserLayout.MapRandomBits) << UserLayout.PageShift;
        space.MapBase = UserLayout.PageFloor(random < room / 2 ? room - random : room);
    }

    /// <summary>A random number of pages below 2^bits.</summary>
    public static ulong RandomPages(int bits)
    {
        ulong value = 0;
        Hardware.Random(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)));
        return value & ((1UL << bits) - 1);
    }

    /// <summary>One more process (vfork, CLONE_VM) uses the space.</summary>
    public static void AddReference(Handle<AddressSpace> space) => Pool<AddressSpace>.Get(space).References++;

    /// <summary>
    /// One user less; the last one frees all of it. No call to the OS: dirty pages of shared files stay in their
    /// object, which <see cref="PageCache.Clean"/> writes back later.
    /// </summary>
    public static void Release(Handle<AddressSpace> space)
    {
        if (--Pool<AddressSpace>.Get(space).References == 0)
            Free(space);
    }

    /// <summary>Makes the space the one that EL0 of this CPU runs in (TTBR0_EL1, ASID).</summary>
    public static void Activate(Handle<AddressSpace> space) => Translation.Activate(Pool<AddressSpace>.Get(space).Root, Asid(space));

    /// <summary>Leaves the task without user memory: before its last user of a space lets go of it.</summary>
    public static void Deactivate() => Translation.Activate(new FrameAddress(_empty), 0);

    /// <summary>For tests, which start with new memory.</summary>
    internal static void Reset()
    {
        _empty = 0;
        Trampoline.Reset();
        Areas.Reset();
        SharedFrames.Reset();
        PageCache.Reset();
        Pool<AddressSpace>.Reset();
        Pool<MemoryObject>.Reset();
    }

    private static bool TryStartEmpty()
    {
        if (_empty != 0)
            return true;
        if (!Frames.TryAllocate(out FrameAddress frame))
            return false;
        _empty = frame.Value;
        return true;
    }

    private static void Free(Handle<AddressSpace> handle)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);

        // No CPU runs in it. What TLBs still hold goes first, then entries and frames can go in one pass.
        Translation.InvalidateSpace(Asid(handle));
        int next = space.Areas.First;
        while (next != 0)
        {
            ref Area area = ref Areas.At(next);
            Unmapping.DropPages(ref space, area.Start, area.End);
            MemoryObjects.Detach(next);
            int following = area.Next;
            Areas.Free(next);
            next = following;
        }
        PageTables.FreeAll(ref space);
        Pool<AddressSpace>.Free(handle);
    }
}
