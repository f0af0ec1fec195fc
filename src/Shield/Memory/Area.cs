namespace BlackBox.Shield;

/// <summary>Properties of a mapping besides its protection (Linux: vm_flags).</summary>
[System.Flags]
internal enum AreaFlags : uint
{
    /// <summary>Private, anonymous or file.</summary>
    None = 0,

    /// <summary>MAP_SHARED: stores reach the object and all that map it.</summary>
    Shared = 1 << 0,

    /// <summary>MAP_GROWSDOWN: grows towards lower addresses on access.</summary>
    GrowsDown = 1 << 1,

    /// <summary>MAP_NORESERVE.</summary>
    NoReserve = 1 << 2,

    /// <summary>mlock: present pages stay, DONTNEED is refused.</summary>
    Locked = 1 << 3,

    /// <summary>MLOCK_ONFAULT: locked, but not populated ahead.</summary>
    LockOnFault = 1 << 4,

    /// <summary>MADV_DONTFORK.</summary>
    DontFork = 1 << 5,

    /// <summary>MADV_WIPEONFORK: the child sees zeros.</summary>
    WipeOnFork = 1 << 6,

    /// <summary>MADV_DONTDUMP.</summary>
    DontDump = 1 << 7,

    /// <summary>MADV_RANDOM: no pages ahead.</summary>
    Random = 1 << 8,

    /// <summary>MADV_SEQUENTIAL.</summary>
    Sequential = 1 << 9,

    /// <summary>MADV_HUGEPAGE.</summary>
    HugePage = 1 << 10,

    /// <summary>MADV_NOHUGEPAGE.</summary>
    NoHugePage = 1 << 11,

    /// <summary>MADV_MERGEABLE; recorded only.</summary>
    Mergeable = 1 << 12,

    /// <summary>Private pages of its own may exist: fork must copy its tables. Never part of a comparison of two areas.</summary>
    OwnPages = 1u << 31,
}

/// <summary>
/// One mapping of an address space: pages [Start, End) with one protection, backed by nothing (anonymous) or by pages of a
/// <see cref="MemoryObject"/>. A node of the space's <see cref="AreaTree"/>, and of the object's list of mappings.
/// Links are indices into the pool of areas; 0 is none.
/// </summary>
internal struct Area
{
    /// <summary>First address.</summary>
    public ulong Start;

    /// <summary>First address after it.</summary>
    public ulong End;

    /// <summary>Page of the object that stands at <see cref="Start"/>; for private anonymous memory the page number at which it was created.</summary>
    public ulong Page;

    /// <summary>Protection now.</summary>
    public Protection Protection;

    /// <summary>What mprotect may give at most (VM_MAY*).</summary>
    public Protection Maximum;

    /// <summary>Properties.</summary>
    public AreaFlags Flags;

    /// <summary>Backing object; none for private anonymous memory.</summary>
    public Handle<MemoryObject> Object;

    /// <summary>The address space.</summary>
    public Handle<AddressSpace> Space;

    /// <summary>First address after the pages that the latest fault provided: a fault there is sequential.</summary>
    public ulong NextFault;

    /// <summary>Pages that the latest sequential fault provided.</summary>
    public int FaultWindow;

    /// <summary>Links of the tree; while the node is free, <see cref="Next"/> is the next free one.</summary>
    internal int Left;
    internal int Right;
    internal int Previous;
    internal int Next;
    internal uint Priority;
    internal int ObjectPrevious;
    internal int ObjectNext;

    /// <summary>Widest hole directly below any area of this subtree, bytes.</summary>
    internal ulong MaximumGap;

    /// <summary>Pages of the area.</summary>
    public readonly ulong Pages => (End - Start) >> UserLayout.PageShift;

    /// <summary>Private and without an object.</summary>
    public readonly bool IsAnonymous => Object.IsNull;

    /// <summary>MAP_SHARED.</summary>
    public readonly bool IsShared => (Flags & AreaFlags.Shared) != 0;

    /// <summary>Private and writable: counted against RLIMIT_DATA (Linux: is_data_mapping).</summary>
    public readonly bool IsData => (Flags & (AreaFlags.Shared | AreaFlags.GrowsDown)) == 0 && (Protection & Protection.Write) != 0;

    /// <summary>Lowest address to which another area may reach: the guard gap below a stack stays free.</summary>
    public readonly ulong LowerBound =>
        (Flags & AreaFlags.GrowsDown) == 0 ? Start : Start > UserLayout.StackGuard ? Start - UserLayout.StackGuard : 0;

    /// <summary>Page of the object at <paramref name="address"/>.</summary>
    public readonly ulong PageAt(ulong address) => Page + ((address - Start) >> UserLayout.PageShift);

    /// <summary>Whether an access is permitted; writing and executing imply reading, as in Linux 6.1 on a CPU without Enhanced PAN.</summary>
    public readonly bool Permits(UserAccess access) => access switch
    {
        UserAccess.Read => Protection != Protection.None,
        UserAccess.Write => (Protection & Protection.Write) != 0,
        _ => (Protection & Protection.Execute) != 0,
    };
}
