namespace BlackBox.Shield;

/// <summary>What an object's pages are.</summary>
internal enum ObjectKind
{
    /// <summary>Memory of the enclave that exists only in the object: MAP_SHARED | MAP_ANONYMOUS, memfd, /dev/shm. Absent pages are zeros.</summary>
    Shared,

    /// <summary>Pages of a file, read from the OS on demand.</summary>
    File,
}

/// <summary>How a file's bytes come into its pages.</summary>
internal enum FileSource
{
    /// <summary>As the OS gives them: unprotected, never trusted, never executed unless the manifest allows it.</summary>
    Clear,

    /// <summary>Code, decrypted and verified by the Loader against the manifest.</summary>
    Encrypted,

    /// <summary>Verified in the same way, but not signed as code: never executed unless the manifest allows it.</summary>
    Data,
}

/// <summary>
/// What makes two openings the same file. For clear files device and inode as the OS says: a hint, a lie changes nothing but what
/// was the OS's to decide. For encrypted files the two words are the Loader's: the file's entry in the manifest.
/// </summary>
internal readonly struct FileIdentity(FileSource source, ulong device, ulong inode)
{
    /// <summary>Where the bytes come from.</summary>
    public FileSource Source { get; } = source;

    /// <summary>Device, or the Loader's first word.</summary>
    public ulong Device { get; } = device;

    /// <summary>Inode, or the Loader's second word.</summary>
    public ulong Inode { get; } = inode;

    /// <summary>Whether both name the same file.</summary>
    public bool Is(in FileIdentity other) => Source == other.Source && Device == other.Device && Inode == other.Inode;
}

/// <summary>
/// Pages that areas of several processes may map: a file's page cache, or a shared memory object. The object is one user of each
/// of its frames (see <see cref="SharedFrames"/>).
/// </summary>
internal struct MemoryObject
{
    /// <summary>What it is.</summary>
    public ObjectKind Kind;

    /// <summary>Users: areas, descriptors, work in progress. A shared object ends with the last; a file stays cached.</summary>
    public int References;

    /// <summary>Bytes.</summary>
    public ulong Size;

    /// <summary>For files: which.</summary>
    public FileIdentity Identity;

    /// <summary>For files: modification time as the OS told it at the latest opening, in its own format.</summary>
    public ulong Version;

    /// <summary>For files: the module's handle (PinFile), 0 = none.</summary>
    public ulong Pin;

    /// <summary>For files: the handle was opened for writing.</summary>
    public bool PinWrites;

    /// <summary>For encrypted files: the Loader's number for it.</summary>
    public int SourceIndex;

    /// <summary>For memfd: seals (F_SEAL_*).</summary>
    public uint Seals;

    /// <summary>Pages present, and those of them not yet written back.</summary>
    public int PageCount;

    /// <summary>See <see cref="PageCount"/>.</summary>
    public int DirtyCount;

    /// <summary>Page after the latest read: a fault there reads more ahead.</summary>
    public ulong NextRead;

    /// <summary>Pages that the latest read brought.</summary>
    public int ReadWindow;

    internal FrameAddress PagesRoot;
    internal int PagesLevels;

    /// <summary>First of the areas that map it, linked by <see cref="Area.ObjectNext"/>.</summary>
    internal int FirstMapping;

    /// <summary>Index plus one of the next file in the same hash chain.</summary>
    internal Handle<MemoryObject> NextInHash;

    /// <summary>Pages that the size covers.</summary>
    public readonly ulong SizePages => (Size + UserLayout.PageMask) >> UserLayout.PageShift;
}
