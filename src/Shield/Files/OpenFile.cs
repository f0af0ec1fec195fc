namespace BlackBox.Shield;

/// <summary>Who holds the bytes of an open file.</summary>
internal enum OpenFileKind
{
    /// <summary>No open file.</summary>
    None = 0,

    /// <summary>The OS: files in clear, devices, terminals, sockets to the outside, epoll, timers. Calls are forwarded as they are.</summary>
    Clear,

    /// <summary>The page cache: a file that the signed table protects, read-only.</summary>
    Protected,

    /// <summary>A shared memory object of the enclave: memfd_create, /dev/shm.</summary>
    Memory,

    /// <summary>Queues of the enclave: a pipe's end or a socket of a socketpair.</summary>
    Channel,

    /// <summary>The signed table: a directory of the image, or an image's file that was opened for its path alone.</summary>
    Entry,
}

/// <summary>
/// An open file description: what descriptors made by dup, fork and SCM_RIGHTS share. Linux has its own beside it, under the same
/// descriptor number; position and bytes of what the enclave serves itself stand here.
/// </summary>
internal struct OpenFile
{
    public OpenFileKind Kind;

    /// <summary>Descriptors, calls in progress, messages under way.</summary>
    public int References;

    /// <summary>Access mode and status flags (O_*), as the program set them.</summary>
    public uint Flags;

    /// <summary>Position of a protected file or memory object, in bytes.</summary>
    public ulong Position;

    /// <summary>Pages of a protected file or memory object; the open file is one user.</summary>
    public Handle<MemoryObject> Object;

    /// <summary>For what the signed table lists: the record plus one; else 0.</summary>
    public int Listing;

    /// <summary>For a directory (or what may be one): its canonical path, for paths relative to it.</summary>
    public Handle<StoredPath> Path;

    /// <summary>Open files travel in channels, hence no typed handles here.</summary>
    private RawHandle incoming;
    private RawHandle outgoing;

    /// <summary>For a file in clear whose identity was asked for: see <see cref="ClearFiles"/>.</summary>
    public FileIdentity Identity;
    public bool IdentityKnown;

    /// <summary>An epoll instance with registrations (<see cref="EpollCookies"/>).</summary>
    public bool IsEpoll;

    /// <summary>For a socket: SO_RCVTIMEO and SO_SNDTIMEO in nanoseconds, 0 = none.</summary>
    public ulong ReceiveTimeout;

    /// <summary>See <see cref="ReceiveTimeout"/>.</summary>
    public ulong SendTimeout;

    /// <summary>Queue that a channel's end takes from; null where the direction does not exist.</summary>
    public Handle<Channel> Incoming
    {
        readonly get => incoming.As<Channel>();
        set => incoming = value.Raw;
    }

    /// <summary>Queue that it puts into.</summary>
    public Handle<Channel> Outgoing
    {
        readonly get => outgoing.As<Channel>();
        set => outgoing = value.Raw;
    }

    /// <summary>Record in the file table, -1 if it is not the image's.</summary>
    public readonly int Record => Listing - 1;

    public readonly bool IsReadable => (Flags & OpenFlags.AccessMode) != OpenFlags.WriteOnly;

    public readonly bool IsWritable => (Flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly;
}

/// <summary>O_* of Linux on arm64 (include/uapi/asm-generic/fcntl.h, arch/arm64/include/uapi/asm/fcntl.h).</summary>
internal static class OpenFlags
{
    public const uint AccessMode = 3;
    public const uint ReadOnly = 0;
    public const uint WriteOnly = 1;
    public const uint ReadWrite = 2;
    public const uint Create = 0x40;
    public const uint Exclusive = 0x80;
    public const uint Truncate = 0x200;
    public const uint Append = 0x400;
    public const uint NonBlock = 0x800;
    public const uint Async = 0x2000;
    public const uint Directory = 0x4000;
    public const uint NoFollow = 0x8000;
    public const uint Direct = 0x1_0000;
    public const uint CloseOnExec = 0x8_0000;
    public const uint PathOnly = 0x20_0000;

    /// <summary>O_TMPFILE, with O_DIRECTORY in it.</summary>
    public const uint Temporary = 0x40_0000 | Directory;

    /// <summary>What F_SETFL can change (SETFL_MASK).</summary>
    public const uint Settable = Append | NonBlock | Async | Direct | 0x4_0000;
}

/// <summary>Life of open file descriptions.</summary>
internal static class OpenFiles
{
    /// <summary>One with one reference. False: no memory.</summary>
    public static bool TryMake(OpenFileKind kind, uint flags, out Handle<OpenFile> made)
    {
        if (!Pool<OpenFile>.TryAdd(out made))
        {
            return false;
        }

        ref OpenFile file = ref Pool<OpenFile>.Get(made);
        file.Kind = kind;
        file.Flags = flags;
        file.References = 1;
        return true;
    }

    public static void AddReference(Handle<OpenFile> handle) => Pool<OpenFile>.Get(handle).References++;

    /// <summary>One reference less; the last one releases what the file holds. No call to the OS.</summary>
    public static void Release(Handle<OpenFile> handle)
    {
        ref OpenFile file = ref Pool<OpenFile>.Get(handle);
        if (--file.References > 0)
        {
            return;
        }

        OpenFile last = file;
        if (last.IsEpoll)
        {
            EpollCookies.RemoveAll(handle);
        }

        Pool<OpenFile>.Free(handle);
        if (!last.Object.IsNull)
        {
            MemoryObjects.Release(last.Object);
        }

        if (!last.Path.IsNull)
        {
            StoredPaths.Free(last.Path);
        }

        // The queue that the end took from loses its reader: what is left in it nobody will get.
        if (!last.Incoming.IsNull)
        {
            Channels.Release(last.Incoming, reader: true);
        }

        if (!last.Outgoing.IsNull)
        {
            Channels.Release(last.Outgoing, reader: false);
        }
    }
}
