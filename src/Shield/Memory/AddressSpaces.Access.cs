namespace BlackBox.Shield;

/// <summary>
/// What a word of user memory is, whichever address it is seen at: the object's page for shared memory, the address space and address for
/// private memory. Two futexes are the same if and only if their identities are.
/// </summary>
internal readonly struct WordIdentity(uint owner, uint generation, ulong position, bool shared)
{
    /// <summary>Index of the object or the address space in its pool.</summary>
    public uint Owner { get; } = owner;

    /// <summary>Generation of that index.</summary>
    public uint Generation { get; } = generation;

    /// <summary>Byte in the object, or user address.</summary>
    public ulong Position { get; } = position;

    /// <summary>In an object.</summary>
    public bool Shared { get; } = shared;

    public bool Is(in WordIdentity other) =>
        Owner == other.Owner && Generation == other.Generation && Position == other.Position && Shared == other.Shared;
}

/// <summary>What the rest of the shield asks of the address space of a thread.</summary>
internal static partial class AddressSpaces
{
    /// <summary>
    /// Frame that stands at a user address, present and permitted for the access. Brings it in, for which it may call the OS. False: EFAULT. What
    /// is written to the frame before the lock is dropped again is written to the page.
    /// </summary>
    public static bool TryResolve(ref Thread thread, ulong address, UserAccess access, out FrameAddress frame)
    {
        Handle<AddressSpace> handle = Of(ref thread);
        if (address >= UserLayout.Top)
        {
            frame = default;
            return false;
        }
        ulong entry = PageTables.Read(Pool<AddressSpace>.Get(handle).Root, address);
        frame = PageTableEntry.Frame(entry);
        if (PageTableEntry.Permits(entry, access))
            return true;
        return MemoryFault.Handle(ref thread, handle, address, access, out frame).IsResolved && !frame.IsNull;
    }

    /// <summary>A data or instruction abort from EL0. May call the OS.</summary>
    public static FaultOutcome Fault(ref Thread thread, ulong address, UserAccess access) =>
        MemoryFault.Handle(ref thread, UserLayout.Untag(address), access);

    /// <summary>Identity of the word at a user address, for futexes between processes. False: nothing is mapped there.</summary>
    public static bool TryIdentify(ref Thread thread, ulong address, out WordIdentity identity)
    {
        identity = default;
        Handle<AddressSpace> handle = Of(ref thread);
        int index = address < UserLayout.Top ? Pool<AddressSpace>.Get(handle).AreaAt(address) : 0;
        if (index == 0)
            return false;
        ref Area area = ref Areas.At(index);
        identity = area.IsShared
            ? new WordIdentity(
                (uint)area.Object.Index,
                area.Object.Generation,
                (area.PageAt(address) << UserLayout.PageShift) | (address & UserLayout.PageMask),
                shared: true)
            : new WordIdentity((uint)handle.Index, handle.Generation, address, shared: false);
        return true;
    }

    /// <summary>Maps zeroed private anonymous memory at a fixed, page-aligned place (protection: PROT_* bits). May call the OS.</summary>
    public static bool TryMapAnonymous(ref Thread thread, ulong address, ulong length, int protection)
    {
        MapRequest request = new()
        {
            Address = address,
            Length = UserLayout.PageCeiling(length),
            Fixed = true,
            Protection = (Protection)protection & Protection.All,
            Maximum = Protection.All,
        };
        return request.Length != 0 && Frames.Reserve(ref thread, 16) && Mapping.Map(Of(ref thread), in request) >= 0;
    }

    /// <summary>Changes protection of a mapped, page-aligned range, for the shield itself: the code policy does not apply. May call the OS.</summary>
    public static bool TryProtect(ref Thread thread, ulong address, ulong length, int protection) =>
        Frames.Reserve(ref thread, 16)
        && Changing.Protect(
            Of(ref thread), address, address + UserLayout.PageCeiling(length), (Protection)protection & Protection.All, growsDown: false, trusted: true) == 0;
}
