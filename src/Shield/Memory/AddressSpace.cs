namespace BlackBox.Shield;

/// <summary>
/// The memory of one process (or of several that share it: CLONE_VM, vfork): tables, areas, heap border, limits, counters.
/// Its ASID is its index in the pool plus one; ASID 0 belongs to the empty tables.
/// </summary>
internal struct AddressSpace
{
    /// <summary>Users: processes, and for a while whoever works on it.</summary>
    public int References;

    /// <summary>Level-0 table.</summary>
    public FrameAddress Root;

    /// <summary>Mappings by address.</summary>
    public AreaTree Areas;

    /// <summary>Area of the latest look-up, 0 = none: most faults and calls hit it again.</summary>
    public int LastArea;

    /// <summary>Top of the region in which mmap chooses, downwards.</summary>
    public ulong MapBase;

    /// <summary>Where the heap starts, and its border as brk knows it (not page-aligned).</summary>
    public ulong HeapStart;

    /// <summary>See <see cref="HeapStart"/>.</summary>
    public ulong Heap;

    /// <summary>Top of the initial stack.</summary>
    public ulong StackTop;

    /// <summary>RLIMIT_AS, bytes.</summary>
    public ulong AddressSpaceLimit;

    /// <summary>RLIMIT_DATA, bytes.</summary>
    public ulong DataLimit;

    /// <summary>RLIMIT_STACK, bytes.</summary>
    public ulong StackLimit;

    /// <summary>RLIMIT_MEMLOCK, bytes; unlimited with CAP_IPC_LOCK.</summary>
    public ulong LockLimit;

    /// <summary>mlockall(MCL_FUTURE): flags that new areas get.</summary>
    public AreaFlags FutureFlags;

    /// <summary>Pages of all areas (VmSize).</summary>
    public ulong TotalPages;

    /// <summary>Pages of private writable areas (VmData).</summary>
    public ulong DataPages;

    /// <summary>Pages of areas that grow down (VmStk).</summary>
    public ulong StackPages;

    /// <summary>Pages of locked areas (VmLck).</summary>
    public ulong LockedPages;

    /// <summary>Pages that have an entry (VmRSS).</summary>
    public ulong ResidentPages;

    /// <summary>Frames of its tables besides the root (VmPTE).</summary>
    public int TableFrames;

    /// <summary>The program that runs here: its record in the file table plus one; 0: none.</summary>
    public int Program;

    /// <summary>The area that contains an address, or 0.</summary>
    public int AreaAt(ulong address)
    {
        if (LastArea != 0)
        {
            ref Area last = ref Shield.Areas.At(LastArea);
            if (address >= last.Start && address < last.End)
                return LastArea;
        }
        int found = Areas.Containing(address);
        if (found != 0)
            LastArea = found;
        return found;
    }

    /// <summary>Counts an area's pages in (positive) or out (negative).</summary>
    public void Count(ref Area area, long pages)
    {
        ulong change = (ulong)pages;
        TotalPages += change;
        if (area.IsData)
            DataPages += change;
        if ((area.Flags & AreaFlags.GrowsDown) != 0)
            StackPages += change;
        if ((area.Flags & AreaFlags.Locked) != 0)
            LockedPages += change;
    }

    /// <summary>Whether RLIMIT_AS and RLIMIT_DATA allow more pages of a kind (Linux: may_expand_vm).</summary>
    public readonly bool MayExpand(ulong pages, bool isData)
    {
        if (TotalPages + pages > AddressSpaceLimit >> UserLayout.PageShift)
            return false;
        return !isData || DataPages + pages <= DataLimit >> UserLayout.PageShift;
    }
}
