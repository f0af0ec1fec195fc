using System;

namespace BlackBox.Shield;

/// <summary>Positions and sizes: lseek, ftruncate, fallocate, and copying between descriptors inside the kernel.</summary>
internal static class PositionCalls
{
    private const int SeekSet = 0;
    private const int SeekCurrent = 1;
    private const int SeekEnd = 2;
    private const int SeekData = 3;
    private const int SeekHole = 4;

    private const uint KeepSize = 1;
    private const uint PunchHole = 2;

    public static long Seek(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Kind(ref thread, a[0], out Handle<OpenFile> handle))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                return PlainCall.Values(ref thread, Sys.lseek, ref a, 3);
            case OpenFileKind.Channel:
                return -Errno.ESPIPE;
            default:
                ref OpenFile file = ref Pool<OpenFile>.Get(handle);
                long result = Target(ref file, (long)a[1], (int)a[2]);
                if (result >= 0)
                {
                    file.Position = (ulong)result;
                }

                return result;
        }
    }

    public static long Truncate(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Kind(ref thread, a[0], out Handle<OpenFile> handle))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Memory:
                ref OpenFile file = ref Pool<OpenFile>.Get(handle);
                return (long)a[1] < 0 || !file.IsWritable ? -Errno.EINVAL : SharedObjects.Truncate(file.Object, a[1]);
            case OpenFileKind.Clear:
                return ClearFiles.AfterWrite(ref thread, a[0], PlainCall.Values(ref thread, Sys.ftruncate, ref a, 2));
            default:
                return -Errno.EINVAL;
        }
    }

    public static long Allocate(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Kind(ref thread, a[0], out Handle<OpenFile> handle))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                return ClearFiles.AfterWrite(ref thread, a[0], PlainCall.Values(ref thread, Sys.fallocate, ref a, 4));
            case OpenFileKind.Memory:
                return AllocateMemory(ref Pool<OpenFile>.Get(handle), (uint)a[1], (long)a[2], (long)a[3]);
            case OpenFileKind.Channel:
                return -Errno.ESPIPE;
            default:
                return -Errno.EBADF;
        }
    }

    /// <summary>sendfile: from a file of the enclave its bytes go out in clear, as the program asks; to one, EINVAL (programs fall back to read and write).</summary>
    public static long SendFile(ref Thread thread, ref CallArguments a)
    {
        OpenFileKind output = Descriptors.Kind(ref thread, a[0], out _);
        OpenFileKind input = Descriptors.Use(ref thread, a[1], out Handle<OpenFile> file);
        if (input == OpenFileKind.Clear)
        {
            return output == OpenFileKind.None ? -Errno.EBADF
                : output == OpenFileKind.Clear ? Forwarder.Forward(ref thread, Sys.sendfile, ref a, CallTable.Get((uint)Sys.sendfile))
                : -Errno.EINVAL;
        }

        if (input == OpenFileKind.None)
        {
            return -Errno.EBADF;
        }

        long result = output == OpenFileKind.None ? -Errno.EBADF
            : output != OpenFileKind.Clear || input is OpenFileKind.Channel or OpenFileKind.Entry ? -Errno.EINVAL
            : SendObject(ref thread, a[0], file, a[2], a[3]);
        return Descriptors.Done(file, result);
    }

    /// <summary>copy_file_range, splice, tee: between files in clear only.</summary>
    public static long CopyRange(ref Thread thread, ref CallArguments a) => BetweenClear(ref thread, ref a, Sys.copy_file_range, 2, -Errno.EXDEV);

    public static long Splice(ref Thread thread, ref CallArguments a) => BetweenClear(ref thread, ref a, Sys.splice, 2, -Errno.EINVAL);

    public static long Tee(ref Thread thread, ref CallArguments a) => BetweenClear(ref thread, ref a, Sys.tee, 1, -Errno.EINVAL);

    private static long BetweenClear(ref Thread thread, ref CallArguments a, Sys number, int second, long refused)
    {
        OpenFileKind from = Descriptors.Kind(ref thread, a[0], out _);
        OpenFileKind to = Descriptors.Kind(ref thread, a[second], out _);
        return from == OpenFileKind.None || to == OpenFileKind.None ? -Errno.EBADF
            : from == OpenFileKind.Clear && to == OpenFileKind.Clear ? Forwarder.Forward(ref thread, number, ref a, CallTable.Get((uint)number))
            : refused;
    }

    private static long Target(ref OpenFile file, long offset, int whence)
    {
        if (file.Kind == OpenFileKind.Entry)
        {
            // A directory: back to where getdents was, or to the start.
            return whence == SeekSet && offset >= 0 ? offset : whence == SeekCurrent && offset == 0 ? (long)file.Position : -Errno.EINVAL;
        }

        long size = (long)Pool<MemoryObject>.Get(file.Object).Size;
        long from = 0;
        switch (whence)
        {
            case SeekSet:
                break;
            case SeekCurrent:
                from = (long)file.Position;
                break;
            case SeekEnd:
                from = size;
                break;
            case SeekData or SeekHole:
                // Without holes: data is everywhere, the only hole is the end.
                return (ulong)offset >= (ulong)size ? -Errno.ENXIO : whence == SeekData ? offset : size;
            default:
                return -Errno.EINVAL;
        }

        // Neither negative nor beyond what a position can be.
        long sum = unchecked(from + offset);
        return sum < 0 || (offset > 0 && sum < from) ? -Errno.EINVAL : sum;
    }

    private static long AllocateMemory(ref OpenFile file, uint mode, long offset, long length)
    {
        if (offset < 0 || length <= 0)
        {
            return -Errno.EINVAL;
        }

        if (!file.IsWritable)
        {
            return -Errno.EBADF;
        }

        if ((mode & ~(KeepSize | PunchHole)) != 0)
        {
            return -Errno.EOPNOTSUPP;
        }

        ref MemoryObject target = ref Pool<MemoryObject>.Get(file.Object);
        ulong end = (ulong)offset + (ulong)length;
        if (end > ObjectPages.Limit << UserLayout.PageShift)
        {
            return -Errno.EFBIG;
        }

        if ((mode & PunchHole) == 0)
        {
            return (mode & KeepSize) != 0 || end <= target.Size ? 0 : SharedObjects.Truncate(file.Object, end);
        }

        if ((mode & KeepSize) == 0)
        {
            return -Errno.EOPNOTSUPP;
        }

        if ((target.Seals & (SharedObjects.SealWrite | SharedObjects.SealFutureWrite)) != 0)
        {
            return -Errno.EPERM;
        }

        // Whole pages go, what is left at either side becomes zeros.
        ulong from = (ulong)offset;
        ulong firstPage = (from + UserLayout.PageMask) >> UserLayout.PageShift;
        ulong lastPage = end >> UserLayout.PageShift;
        if (firstPage < lastPage)
        {
            MemoryObjects.Punch(file.Object, firstPage, lastPage);
        }

        ClearWithin(ref target, from, Math.Min(end, firstPage << UserLayout.PageShift));
        if (lastPage >= firstPage)
        {
            ClearWithin(ref target, lastPage << UserLayout.PageShift, end);
        }

        return 0;
    }

    /// <summary>Zeros for a range that lies in one page.</summary>
    private static void ClearWithin(ref MemoryObject target, ulong from, ulong to)
    {
        ulong entry = from < to ? ObjectPages.Get(ref target, from >> UserLayout.PageShift) : 0;
        if (entry != 0)
        {
            Frames.Bytes(ObjectPages.Frame(entry)).Slice((int)(from & UserLayout.PageMask), (int)(to - from)).Clear();
        }
    }

    private static long SendObject(ref Thread thread, ulong output, Handle<OpenFile> handle, ulong offsetAddress, ulong count)
    {
        ref OpenFile file = ref Pool<OpenFile>.Get(handle);
        if (!file.IsReadable)
        {
            return -Errno.EBADF;
        }

        ulong position = file.Position;
        if (offsetAddress != 0 && !UserMemory.TryRead(ref thread, offsetAddress, out position))
        {
            return -Errno.EFAULT;
        }

        if ((long)position < 0)
        {
            return -Errno.EINVAL;
        }

        ulong left = Math.Min(count, UserVector.MaxBytes);
        ulong done = 0;
        long result = 0;
        while (left > 0)
        {
            SharedBuffer buffer = new(ref thread);
            int piece = (int)Math.Min(left, (ulong)buffer.Capacity);
            _ = buffer.TryReserve(piece, out int at, out ulong place);
            long read = ObjectTransfer.Read(ref thread, file.Object, position + done, buffer.Region(at, piece));
            if (read <= 0)
            {
                result = read;
                break;
            }

            result = PlainCall.Checked(Gate.Call(ref thread, Sys.write, output, place, (ulong)read));
            if (result > read)
            {
                result = PlainCall.Lie();
            }

            if (result <= 0)
            {
                break;
            }

            done += (ulong)result;
            left -= (ulong)result;
            if (result < read)
            {
                break;
            }
        }

        if (offsetAddress == 0)
        {
            file.Position = position + done;
        }
        else if (!UserMemory.TryWrite(ref thread, offsetAddress, position + done))
        {
            return -Errno.EFAULT;
        }

        return done > 0 ? (long)done : result;
    }
}
