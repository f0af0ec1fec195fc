namespace BlackBox.Shield;

/// <summary>Reading and writing through descriptors: forwarded for files in clear, served here for the enclave's own.</summary>
internal static class FileCalls
{
    /// <summary>preadv2 and pwritev2: position -1 means the file's own.</summary>
    private const ulong CurrentPosition = ulong.MaxValue;

    /// <summary>RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT: no effect on memory. RWF_APPEND.</summary>
    private const ulong KnownFlags = 0x1F;
    private const ulong FlagNoWait = 0x8;
    private const ulong FlagAppend = 0x10;

    public static long Read(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                ClearFiles.BeforeRead(ref thread, a[0]);
                return TransferCalls.Read(ref thread, ref a);
            default:
                UserBytes bytes = UserBytes.Range(a[1], a[2]);
                return Descriptors.Done(file, Read(ref thread, a[0], file, ref bytes, CurrentPosition, 0));
        }
    }

    public static long Write(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                return ClearFiles.AfterWrite(ref thread, a[0], TransferCalls.Write(ref thread, ref a));
            default:
                UserBytes bytes = UserBytes.Range(a[1], a[2]);
                return Descriptors.Done(file, Write(ref thread, a[0], file, ref bytes, CurrentPosition, 0));
        }
    }

    public static long PositionedRead(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return (long)a[3] < 0 ? -Errno.EINVAL : -Errno.EBADF;
            case OpenFileKind.Clear:
                ClearFiles.BeforeRead(ref thread, a[0]);
                return TransferCalls.PositionedRead(ref thread, ref a);
            default:
                UserBytes bytes = UserBytes.Range(a[1], a[2]);
                return Descriptors.Done(file, (long)a[3] < 0 ? -Errno.EINVAL : Read(ref thread, a[0], file, ref bytes, a[3], 0));
        }
    }

    public static long PositionedWrite(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return (long)a[3] < 0 ? -Errno.EINVAL : -Errno.EBADF;
            case OpenFileKind.Clear:
                return ClearFiles.AfterWrite(ref thread, a[0], TransferCalls.PositionedWrite(ref thread, ref a));
            default:
                UserBytes bytes = UserBytes.Range(a[1], a[2]);
                return Descriptors.Done(file, (long)a[3] < 0 ? -Errno.EINVAL : Write(ref thread, a[0], file, ref bytes, a[3], 0));
        }
    }

    public static long ReadVector(ref Thread thread, ref CallArguments a) =>
        Vector(ref thread, ref a, Sys.readv, CurrentPosition, 0, write: false);

    public static long WriteVector(ref Thread thread, ref CallArguments a) =>
        Vector(ref thread, ref a, Sys.writev, CurrentPosition, 0, write: true);

    public static long PositionedReadVector(ref Thread thread, ref CallArguments a) =>
        (long)a[3] < 0 ? -Errno.EINVAL : Vector(ref thread, ref a, Sys.preadv, a[3], 0, write: false);

    public static long PositionedWriteVector(ref Thread thread, ref CallArguments a) =>
        (long)a[3] < 0 ? -Errno.EINVAL : Vector(ref thread, ref a, Sys.pwritev, a[3], 0, write: true);

    public static long FlaggedReadVector(ref Thread thread, ref CallArguments a) =>
        Vector(ref thread, ref a, Sys.preadv2, a[3], a[5], write: false);

    public static long FlaggedWriteVector(ref Thread thread, ref CallArguments a) =>
        Vector(ref thread, ref a, Sys.pwritev2, a[3], a[5], write: true);

    public static long Synchronise(ref Thread thread, ref CallArguments a) => Synchronise(ref thread, Sys.fsync, a[0]);

    public static long SynchroniseData(ref Thread thread, ref CallArguments a) => Synchronise(ref thread, Sys.fdatasync, a[0]);

    /// <summary>What mappings stored belongs to the file too.</summary>
    private static long Synchronise(ref Thread thread, Sys number, ulong descriptor)
    {
        ClearFiles.BeforeRead(ref thread, descriptor);
        return PlainCall.CheckedZero(Gate.Call(ref thread, number, descriptor));
    }

    private static long Vector(ref Thread thread, ref CallArguments a, Sys number, ulong position, ulong flags, bool write)
    {
        OpenFileKind kind = Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file);
        if (kind == OpenFileKind.None)
        {
            return -Errno.EBADF;
        }

        if (kind == OpenFileKind.Clear)
        {
            if (!write)
            {
                ClearFiles.BeforeRead(ref thread, a[0]);
            }

            long forwarded = number switch
            {
                Sys.readv => VectorCalls.Read(ref thread, ref a),
                Sys.writev => VectorCalls.Write(ref thread, ref a),
                Sys.preadv => VectorCalls.PositionedRead(ref thread, ref a),
                Sys.pwritev => VectorCalls.PositionedWrite(ref thread, ref a),
                Sys.preadv2 => VectorCalls.FlaggedRead(ref thread, ref a),
                _ => VectorCalls.FlaggedWrite(ref thread, ref a),
            };
            return write ? ClearFiles.AfterWrite(ref thread, a[0], forwarded) : forwarded;
        }

        if ((position != CurrentPosition && (long)position < 0) || (flags & ~KnownFlags) != 0)
        {
            return Descriptors.Done(file, (flags & ~KnownFlags) != 0 ? -Errno.EOPNOTSUPP : -Errno.EINVAL);
        }

        long result = UserBytes.Vector(ref thread, a[1], a[2], out UserBytes bytes);
        if (result == 0)
        {
            result = write
                ? Write(ref thread, a[0], file, ref bytes, position, flags)
                : Read(ref thread, a[0], file, ref bytes, position, flags);
            bytes.Free();
        }

        return Descriptors.Done(file, result);
    }

    /// <summary>Reads from what the enclave serves; the caller holds a reference.</summary>
    private static long Read(ref Thread thread, ulong descriptor, Handle<OpenFile> handle, ref UserBytes to, ulong position, ulong flags)
    {
        ref OpenFile file = ref Pool<OpenFile>.Get(handle);
        if (!file.IsReadable)
        {
            return -Errno.EBADF;
        }

        if (file.Kind == OpenFileKind.Channel)
        {
            return position != CurrentPosition ? -Errno.ESPIPE : ChannelReads.Read(ref thread, descriptor, handle, ref to, (flags & FlagNoWait) != 0);
        }

        if (file.Kind == OpenFileKind.Entry)
        {
            return (file.Flags & OpenFlags.PathOnly) != 0 ? -Errno.EBADF : -Errno.EISDIR;
        }

        bool own = position == CurrentPosition;
        int serviceBytes = ThreadBuffers.Widen(ref thread);
        long result = ObjectTransfer.Read(ref thread, file.Object, own ? file.Position : position, ref to);
        thread.ServiceBytes = serviceBytes;
        if (own && result > 0)
        {
            file.Position += (ulong)result;
        }

        return result;
    }

    /// <summary>Writes to what the enclave serves; the caller holds a reference.</summary>
    private static long Write(ref Thread thread, ulong descriptor, Handle<OpenFile> handle, ref UserBytes from, ulong position, ulong flags)
    {
        ref OpenFile file = ref Pool<OpenFile>.Get(handle);
        if (!file.IsWritable)
        {
            return -Errno.EBADF;
        }

        if (file.Kind == OpenFileKind.Channel)
        {
            return position != CurrentPosition ? -Errno.ESPIPE : ChannelWrites.Write(ref thread, descriptor, handle, ref from, (flags & FlagNoWait) != 0);
        }

        bool own = position == CurrentPosition;
        bool append = (file.Flags & OpenFlags.Append) != 0 || (flags & FlagAppend) != 0;
        ulong at = append ? Pool<MemoryObject>.Get(file.Object).Size : own ? file.Position : position;
        long result = ObjectTransfer.Write(ref thread, file.Object, at, ref from);
        if (own && result > 0)
        {
            file.Position = at + (ulong)result;
        }

        return result;
    }
}
