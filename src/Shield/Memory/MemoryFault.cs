using System;

namespace BlackBox.Shield;

/// <summary>What a fault of the program ends in: 0 = repaired (or the task is dying), else the signal to deliver with its si_code.</summary>
internal readonly struct FaultOutcome(int signal, int code)
{
    /// <summary>SIGSEGV, no area there.</summary>
    public static FaultOutcome NotMapped => new(11, 1);

    /// <summary>SIGSEGV, the area does not permit it.</summary>
    public static FaultOutcome Denied => new(11, 2);

    /// <summary>SIGBUS, beyond the end of the object, or its bytes cannot be had.</summary>
    public static FaultOutcome BusAddress => new(7, 2);

    /// <summary>SIGKILL: no memory, as Linux's OOM killer would.</summary>
    public static FaultOutcome OutOfMemory => new(9, 0x80);

    public int Signal { get; } = signal;

    public int Code { get; } = code;

    /// <summary>Whether the access can be made again.</summary>
    public bool IsResolved => Signal == 0;
}

/// <summary>
/// Page faults: demand zero, copy-on-write, file pages, stack growth. <see cref="TryProvide"/> does what can be done under the kernel
/// lock; what needs the OS (frames, file pages) is done between two attempts, each of which starts from the look-up.
/// </summary>
internal static class MemoryFault
{
    /// <summary>Most pages that one fault provides.</summary>
    public const int MaximumWindow = 16;

    /// <summary>Frames that one attempt takes at most: three tables or the copy of a shared one, and the pages of a window.</summary>
    private const int FramesPerAttempt = 3 + MaximumWindow;

    /// <summary>Attempts after which a fault that never gets on counts as out of memory.</summary>
    private const int MaximumAttempts = 64;

    /// <summary>How an attempt ended.</summary>
    public enum Step
    {
        /// <summary>The page is there and permits the access.</summary>
        Done,

        /// <summary>No area.</summary>
        NotMapped,

        /// <summary>The area does not permit it.</summary>
        Denied,

        /// <summary>The page lies beyond the end of its object.</summary>
        BeyondEnd,

        /// <summary>No frame free.</summary>
        NeedFrames,

        /// <summary>The file's page is not in the cache.</summary>
        NeedPage,
    }

    /// <summary>Serves a fault of the program, or of the shield on its behalf. May call the OS.</summary>
    public static FaultOutcome Handle(ref Thread thread, ulong address, UserAccess access) =>
        Handle(ref thread, AddressSpaces.Of(ref thread), address, access, out _);

    /// <summary>As above; <paramref name="frame"/> is the frame that then stands at the address.</summary>
    public static FaultOutcome Handle(ref Thread thread, Handle<AddressSpace> space, ulong address, UserAccess access, out FrameAddress frame)
    {
        for (int attempt = 0; attempt < MaximumAttempts; attempt++)
        {
            switch (TryProvide(space, address, access, out frame, out Handle<MemoryObject> file, out ulong page))
            {
                case Step.Done:
                    return default;
                case Step.NotMapped:
                    return FaultOutcome.NotMapped;
                case Step.Denied:
                    return FaultOutcome.Denied;
                case Step.BeyondEnd:
                    return FaultOutcome.BusAddress;
                case Step.NeedFrames:
                    if (Frames.Reserve(ref thread, FramesPerAttempt) || PageCache.Shrink(FramesPerAttempt) > 0)
                        continue;
                    return thread.Dying ? default : FaultOutcome.OutOfMemory;
                default:
                    long result = PageCache.Fill(ref thread, file, page);
                    if (result >= 0)
                        continue;
                    if (thread.Dying)
                        return default;
                    return result == -Errno.ENOMEM ? FaultOutcome.OutOfMemory : FaultOutcome.BusAddress;
            }
        }
        frame = default;
        return FaultOutcome.OutOfMemory;
    }

    /// <summary>
    /// One attempt, under the lock throughout. For <see cref="Step.NeedPage"/> tells file and page.
    /// </summary>
    public static Step TryProvide(
        Handle<AddressSpace> handle, ulong address, UserAccess access, out FrameAddress frame, out Handle<MemoryObject> file, out ulong page)
    {
        frame = default;
        file = default;
        page = 0;
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        int index = address < UserLayout.Top ? space.AreaAt(address) : 0;
        if (index == 0)
        {
            index = address < UserLayout.Top ? StackGrowth.TryGrow(ref space, address) : 0;
            if (index == 0)
                return Step.NotMapped;
        }
        ref Area area = ref Areas.At(index);
        if (!area.Permits(access))
            return Step.Denied;
        address = UserLayout.PageFloor(address);
        if (!PageTables.TryMakeLeaf(ref space, address, out FrameAddress leaf))
            return Step.NeedFrames;
        ushort asid = AddressSpaces.Asid(handle);
        ref ulong slot = ref PageTables.FindSlot(space.Root, address, out _);
        if (SharedTables.IsShared(slot))
        {
            ulong seen = PageTables.Entries(leaf)[PageTables.LeafIndex(address)];
            if (access != UserAccess.Write && PageTableEntry.Permits(seen, access))
            {
                frame = PageTableEntry.Frame(seen);
                return Step.Done;
            }
            if (!SharedTables.TryOwn(ref space, asid, address))
                return Step.NeedFrames;
            leaf = PageTableEntry.Frame(slot);
        }
        ref ulong entry = ref PageTables.Entries(leaf)[PageTables.LeafIndex(address)];

        if (entry == 0)
        {
            if (area.IsAnonymous)
                return ProvideAnonymous(ref space, ref area, address, access, leaf, out frame);
            page = area.PageAt(address);
            file = area.Object;
            return ProvideFromObject(ref space, ref area, address, access, leaf, out frame);
        }

        frame = PageTableEntry.Frame(entry);
        if (PageTableEntry.Permits(entry, access))
            return Step.Done; // Another thread was first, or this CPU's walker was late.
        if (access != UserAccess.Write)
        {
            // The area permits it, the entry does not: only its permissions are behind.
            if (!SharedTables.TryOwnRange(ref space, asid, area.Start, area.End))
                return Step.NeedFrames;
            Protecting.Apply(ref space, asid, ref area);
            return Step.Done;
        }
        if (area.IsShared)
        {
            MarkStored(ref area, address);
            entry &= ~PageTableEntry.ReadOnly;
            Translation.InvalidatePage(asid, address);
            return Step.Done;
        }
        return BreakSharing(ref area, asid, address, ref entry, ref frame);
    }

    /// <summary>A store to a private page that is read-only: the frame becomes writable if this was its only user, else it is copied.</summary>
    private static Step BreakSharing(ref Area area, ushort asid, ulong address, ref ulong entry, ref FrameAddress frame)
    {
        area.Flags |= AreaFlags.OwnPages;
        if (SharedFrames.IsExclusive(frame))
        {
            entry &= ~PageTableEntry.ReadOnly;
            Translation.InvalidatePage(asid, address);
            return Step.Done;
        }
        FrameAddress before = frame;
        if (!TryCopy(before, out frame))
            return Step.NeedFrames;

        // Break before make: the output address changes.
        entry = 0;
        Translation.InvalidatePage(asid, address);
        if ((area.Protection & Protection.Execute) != 0)
            Translation.PublishInstructions(frame);
        entry = PageTableEntry.Page(frame, area.Protection, writable: true);
        SharedFrames.Release(before);
        return Step.Done;
    }

    private static Step ProvideAnonymous(
        ref AddressSpace space, ref Area area, ulong address, UserAccess access, FrameAddress leaf, out FrameAddress frame)
    {
        Span<ulong> entries = PageTables.Entries(leaf);
        int index = PageTables.LeafIndex(address);
        if (access != UserAccess.Write)
        {
            // Not a page of its own: a forked child finds the zeros again by itself.
            frame = SharedFrames.Zero;
            space.ResidentPages++;
            entries[index] = PageTableEntry.Page(frame, area.Protection, writable: false);
            return Step.Done;
        }

        int window = Window(ref area, address);
        int room = (int)Math.Min((ulong)window, (area.End - address) >> 12);
        int last = Math.Min(512, index + room);
        bool executable = (area.Protection & Protection.Execute) != 0;
        frame = default;
        int i = index;
        for (; i < last && entries[i] == 0; i++)
        {
            if (!Frames.TryAllocate(out FrameAddress page))
                break;
            if (executable)
                Translation.PublishInstructions(page);
            if (i == index)
                frame = page;
            entries[i] = PageTableEntry.Page(page, area.Protection, writable: true);
            space.ResidentPages++;
        }
        if (i == index)
            return Step.NeedFrames;
        area.Flags |= AreaFlags.OwnPages;
        area.NextFault = address + ((ulong)(i - index) << 12);
        return Step.Done;
    }

    private static Step ProvideFromObject(
        ref AddressSpace space, ref Area area, ulong address, UserAccess access, FrameAddress leaf, out FrameAddress frame)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(area.Object);
        ulong page = area.PageAt(address);
        if (target.Kind == ObjectKind.Shared)
        {
            frame = MemoryObjects.SharedPage(area.Object, page, out bool beyond);
            if (frame.IsNull)
                return beyond ? Step.BeyondEnd : Step.NeedFrames;
        }
        else
        {
            frame = default;
            if (page >= target.SizePages)
                return Step.BeyondEnd;
            ulong entry = ObjectPages.Get(ref target, page);
            if (entry == 0)
                return Step.NeedPage;
            frame = ObjectPages.Frame(entry);
        }

        if (!area.IsShared && access == UserAccess.Write)
        {
            if (!TryCopy(frame, out frame))
                return Step.NeedFrames;
            area.Flags |= AreaFlags.OwnPages;
            if ((area.Protection & Protection.Execute) != 0)
                Translation.PublishInstructions(frame);
            space.ResidentPages++;
            PageTables.Entries(leaf)[PageTables.LeafIndex(address)] = PageTableEntry.Page(frame, area.Protection, writable: true);
            return Step.Done;
        }
        if (access == UserAccess.Write)
            MarkStored(ref area, address);
        MapObjectPage(ref space, ref area, ref target, address, leaf, storing: access == UserAccess.Write);
        if (access == UserAccess.Read || access == UserAccess.Execute)
            MapAround(ref space, ref area, ref target, address, leaf);
        return Step.Done;
    }

    /// <summary>Maps the neighbours that are in the object already: the aligned 64 KiB around, as far as area and table reach (Linux: fault_around_bytes).</summary>
    private static void MapAround(ref AddressSpace space, ref Area area, ref MemoryObject target, ulong address, FrameAddress leaf)
    {
        if ((area.Flags & AreaFlags.Random) != 0)
            return;
        const ulong bytes = (ulong)MaximumWindow << 12;
        ulong start = Math.Max(address & ~(bytes - 1), area.Start);
        ulong end = Math.Min((address & ~(bytes - 1)) + bytes, area.End);
        for (ulong at = start; at < end; at += UserLayout.PageBytes)
        {
            if (at != address && area.PageAt(at) < target.SizePages)
                MapObjectPage(ref space, ref area, ref target, at, leaf, storing: false);
        }
    }

    /// <summary>Maps an object's page if it is present and not mapped yet.</summary>
    private static void MapObjectPage(ref AddressSpace space, ref Area area, ref MemoryObject target, ulong address, FrameAddress leaf, bool storing)
    {
        ref ulong entry = ref PageTables.Entries(leaf)[PageTables.LeafIndex(address)];
        ulong page = area.PageAt(address);
        ulong present = entry == 0 ? ObjectPages.Get(ref target, page) : 0;
        if (present == 0)
            return;
        FrameAddress frame = ObjectPages.Frame(present);
        if ((area.Protection & Protection.Execute) != 0 && (present & ObjectPages.Published) == 0)
        {
            Translation.PublishInstructions(frame);
            ObjectPages.SetFlags(ref target, page, ObjectPages.Published, 0);
        }

        // A clean page of a file stays read-only until a store marks it.
        bool writable = area.IsShared && (target.Kind == ObjectKind.Shared || storing);
        SharedFrames.Add(frame);
        space.ResidentPages++;
        entry = PageTableEntry.Page(frame, area.Protection, writable);
    }

    /// <summary>A store through a shared mapping of a file: the page has to be written back, and its instructions are no longer visible.</summary>
    private static void MarkStored(ref Area area, ulong address)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(area.Object);
        ulong page = area.PageAt(address);
        if (target.Kind == ObjectKind.File)
            ObjectPages.SetFlags(ref target, page, ObjectPages.Dirty, ObjectPages.Published);
    }

    /// <summary>Pages to provide for a store: one, or twice as many as last time when the fault continues where the latest one ended.</summary>
    private static int Window(ref Area area, ulong address)
    {
        if ((area.Flags & AreaFlags.Random) != 0)
            return 1;
        if ((area.Flags & AreaFlags.HugePage) != 0)
            return MaximumWindow;
        area.FaultWindow = address == area.NextFault ? Math.Min(MaximumWindow, Math.Max(2, area.FaultWindow * 2)) : 1;
        return area.FaultWindow;
    }

    private static bool TryCopy(FrameAddress from, out FrameAddress to)
    {
        if (SharedFrames.IsZero(from))
            return Frames.TryAllocate(out to);
        if (!Frames.TryAllocateForCopy(out to))
            return false;
        Frames.Bytes(from).CopyTo(Frames.Bytes(to));
        return true;
    }
}
