using System;

namespace BlackBox.Shield;

/// <summary>
/// Calls that name files by path or descriptor, as far as they mean the image's: answered from the signed table, refused with EROFS where they
/// would change something, ENOENT where the table has nothing. The OS hears of none of them but checks of permissions.
/// </summary>
internal static class ImageCalls
{
    private const ulong NoFollow = 0x100;
    private const ulong Follow = 0x400;
    private const ulong EmptyPath = 0x1000;
    private const ulong MayWrite = 2;
    private const ulong MayExecute = 1;
    private const uint AnyExecute = 0x49;

    /// <summary>Serves the call if it is about the image. Calls the OS only for pages of the table and permissions.</summary>
    public static bool TryServe(ref Thread thread, Sys number, ref CallArguments a, out long result)
    {
        result = 0;
        if (FileTable.Count == 0)
        {
            return false;
        }

        switch (number)
        {
            case Sys.mkdirat or Sys.mknodat:
                return TryCreate(ref thread, a[0], a[1], out result);
            case Sys.symlinkat:
                return TryCreate(ref thread, a[1], a[2], out result);
            case Sys.unlinkat:
                return TryChange(ref thread, a[0], a[1], follow: false, out result);
            case Sys.truncate or Sys.setxattr or Sys.removexattr:
                return TryChange(ref thread, PathWork.CurrentDirectory, a[0], follow: true, out result);
            case Sys.lsetxattr or Sys.lremovexattr:
                return TryChange(ref thread, PathWork.CurrentDirectory, a[0], follow: false, out result);
            case Sys.fchmodat:
                return TryChange(ref thread, a[0], a[1], follow: true, out result);
            case Sys.fchownat:
                return TryChange(ref thread, a[0], a[1], (a[4] & NoFollow) == 0, out result, (a[4] & EmptyPath) != 0);
            case Sys.utimensat:
                return TryChange(ref thread, a[0], a[1], (a[3] & NoFollow) == 0, out result, a[1] == 0 || (a[3] & EmptyPath) != 0);
            case Sys.linkat or Sys.renameat or Sys.renameat2:
                return TryMove(ref thread, ref a, number == Sys.linkat && (a[4] & Follow) != 0, out result);
            case Sys.fchmod or Sys.fchown or Sys.fsetxattr or Sys.fremovexattr:
                result = -Errno.EROFS;
                return RecordOf(ref thread, a[0], out _) >= 0;
            case Sys.getxattr or Sys.listxattr:
                return TryAttributes(ref thread, a[0], follow: true, number, out result);
            case Sys.lgetxattr or Sys.llistxattr:
                return TryAttributes(ref thread, a[0], follow: false, number, out result);
            case Sys.fgetxattr:
                result = -Errno.ENODATA;
                return RecordOf(ref thread, a[0], out _) >= 0;
            case Sys.flistxattr:
                return RecordOf(ref thread, a[0], out _) >= 0;
            case Sys.statfs:
                return IsMissing(ref thread, PathWork.CurrentDirectory, a[0], out result);
            case Sys.inotify_add_watch:
                return IsMissing(ref thread, PathWork.CurrentDirectory, a[1], out result);
            case Sys.faccessat or Sys.faccessat2:
                return TryAccess(ref thread, number, ref a, out result);
            case Sys.readlinkat:
                return TryReadLink(ref thread, ref a, out result);
            case Sys.getdents64:
                return TryReadDirectory(ref thread, ref a, out result);
            case Sys.getcwd:
                return TryWorkingDirectory(ref thread, ref a, out result);
            default:
                return false;
        }
    }

    /// <summary>The error for a path that the image does not have.</summary>
    public static long Refuse(ref PathWork path, bool creates)
    {
        ProtectedImage.Trace(path.Canonical, creates ? "is in the image, which cannot be changed"u8 : "is not in the image"u8);
        return creates ? -Errno.EROFS : -Errno.ENOENT;
    }

    /// <summary>Record of what a descriptor is open for, -1 if it is not the image's.</summary>
    private static int RecordOf(ref Thread thread, ulong descriptor, out Handle<OpenFile> file) =>
        Descriptors.TryFind(ref thread, descriptor, out file) ? Pool<OpenFile>.Get(file).Record : -1;

    private static bool TryCreate(ref Thread thread, ulong directory, ulong address, out long result)
    {
        result = PathWork.Read(ref thread, directory, address, follow: false, out PathWork path);
        if (result < 0)
        {
            return true;
        }

        PathPlace place = path.Place;
        if (place != PathPlace.Outside)
        {
            result = place == PathPlace.Listed ? -Errno.EEXIST : Refuse(ref path, creates: true);
        }

        path.Free();
        return place != PathPlace.Outside;
    }

    private static bool TryChange(ref Thread thread, ulong directory, ulong address, bool follow, out long result, bool mayBeEmpty = false)
    {
        result = -Errno.EROFS;
        if (mayBeEmpty && address == 0)
        {
            return RecordOf(ref thread, directory, out _) >= 0;
        }

        long read = PathWork.Read(ref thread, directory, address, follow, out PathWork path);
        if (read < 0)
        {
            result = read;
            return true;
        }

        bool served;
        if (path.Text.IsEmpty)
        {
            served = mayBeEmpty && RecordOf(ref thread, directory, out _) >= 0;
        }
        else
        {
            served = path.Place != PathPlace.Outside;
            result = served ? Refuse(ref path, path.Place == PathPlace.Listed) : result;
        }

        path.Free();
        return served;
    }

    /// <summary>Between the image and outside it is as between two file systems.</summary>
    private static bool TryMove(ref Thread thread, ref CallArguments a, bool follow, out long result)
    {
        result = PathWork.Read(ref thread, a[0], a[1], follow, out PathWork from);
        if (result < 0)
        {
            return true;
        }

        result = PathWork.Read(ref thread, a[2], a[3], follow: false, out PathWork to);
        if (result < 0)
        {
            from.Free();
            return true;
        }

        PathPlace source = from.Place;
        PathPlace target = to.Place;
        result = source == PathPlace.Missing ? -Errno.ENOENT : (source == PathPlace.Outside) != (target == PathPlace.Outside) ? -Errno.EXDEV : -Errno.EROFS;
        from.Free();
        to.Free();
        return source != PathPlace.Outside || target != PathPlace.Outside;
    }

    /// <summary>The image has no extended attributes.</summary>
    private static bool TryAttributes(ref Thread thread, ulong address, bool follow, Sys number, out long result)
    {
        if (IsMissing(ref thread, PathWork.CurrentDirectory, address, out result, out bool listed, follow))
        {
            return true;
        }

        result = number is Sys.getxattr or Sys.lgetxattr ? -Errno.ENODATA : 0;
        return listed;
    }

    private static bool IsMissing(ref Thread thread, ulong directory, ulong address, out long result) =>
        IsMissing(ref thread, directory, address, out result, out _, follow: true);

    /// <summary>True with the error: the path cannot be resolved, or the image does not have it.</summary>
    private static bool IsMissing(ref Thread thread, ulong directory, ulong address, out long result, out bool listed, bool follow)
    {
        listed = false;
        result = PathWork.Read(ref thread, directory, address, follow, out PathWork path);
        if (result < 0)
        {
            return true;
        }

        listed = path.Place == PathPlace.Listed;
        bool missing = path.Place == PathPlace.Missing;
        path.Free();
        result = missing ? -Errno.ENOENT : 0;
        return missing;
    }

    /// <summary>That a file is there, and whether it can be executed at all, the table knows; who may read it, Linux does.</summary>
    private static bool TryAccess(ref Thread thread, Sys number, ref CallArguments a, out long result)
    {
        ulong flags = number == Sys.faccessat2 ? a[3] : 0;
        result = PathWork.Read(ref thread, a[0], a[1], (flags & NoFollow) == 0, out PathWork path);
        if (result < 0)
        {
            return true;
        }

        PathPlace place = path.Place;
        if (place == PathPlace.Missing)
        {
            result = -Errno.ENOENT;
        }
        else if (place == PathPlace.Listed)
        {
            ref readonly FileRecord record = ref FileTable.Record(path.Record);
            result = (a[2] & MayWrite) != 0 ? -Errno.EROFS
                : (a[2] & MayExecute) != 0 && !record.IsLink && (record.Mode & AnyExecute) == 0 ? -Errno.EACCES
                : a[2] == 0 || record.IsLink ? 0
                : AskAccess(ref thread, ref path, a[2], flags);
        }

        path.Free();
        return place != PathPlace.Outside;
    }

    private static long AskAccess(ref Thread thread, ref PathWork path, ulong mode, ulong flags)
    {
        SharedBuffer buffer = new(ref thread);
        if (!path.TryPutCanonical(ref buffer, out ulong place))
        {
            return -Errno.ENAMETOOLONG;
        }

        long result = flags == 0
            ? Gate.Call(ref thread, Sys.faccessat, PathWork.CurrentDirectory, place, mode)
            : Gate.Call(ref thread, Sys.faccessat2, PathWork.CurrentDirectory, place, mode, flags);
        return ProtectedImage.Answer(ref thread, PlainCall.CheckedZero(result), path.Canonical);
    }

    private static bool TryReadLink(ref Thread thread, ref CallArguments a, out long result)
    {
        result = PathWork.Read(ref thread, a[0], a[1], follow: false, out PathWork path);
        if (result < 0)
        {
            return true;
        }

        PathPlace place = path.Place;
        int record = path.Record;
        if (path.Text.IsEmpty)
        {
            record = RecordOf(ref thread, a[0], out _);
            place = record >= 0 ? PathPlace.Listed : PathPlace.Outside;
        }

        path.Free();
        if (place == PathPlace.Listed)
        {
            result = CopyTarget(ref thread, record, a[2], (int)a[3]);
        }
        else if (place == PathPlace.Missing)
        {
            result = -Errno.ENOENT;
        }

        return place != PathPlace.Outside;
    }

    private static long CopyTarget(ref Thread thread, int record, ulong to, int bytes)
    {
        if (bytes <= 0 || !FileTable.Record(record).IsLink)
        {
            return -Errno.EINVAL;
        }

        Span<byte> target = stackalloc byte[Paths.Longest];
        target = target[..Math.Min((int)FileTable.Record(record).Length, bytes)];
        return !FileTable.TryCopyStrings(ref thread, FileTable.Record(record).Offset, target) ? -Errno.EIO
            : UserMemory.TryWrite(ref thread, to, target) ? target.Length : -Errno.EFAULT;
    }

    private static bool TryReadDirectory(ref Thread thread, ref CallArguments a, out long result)
    {
        result = 0;
        if (RecordOf(ref thread, a[0], out Handle<OpenFile> file) < 0)
        {
            return false;
        }

        ref OpenFile open = ref Pool<OpenFile>.Get(file);
        result = (open.Flags & OpenFlags.PathOnly) != 0 ? -Errno.EBADF
            : !FileTable.Record(open.Record).IsDirectory ? -Errno.ENOTDIR
            : ImageStatus.ReadDirectory(ref thread, file, a[1], (uint)a[2]);
        return true;
    }

    /// <summary>A directory of the image is where the shield knows it to be.</summary>
    private static bool TryWorkingDirectory(ref Thread thread, ref CallArguments a, out long result)
    {
        result = 0;
        Span<byte> path = stackalloc byte[PathWork.MaxPath];
        int length = FileSystems.CopyDirectory(ref thread, PathWork.CurrentDirectory, path[..^1]);
        if (length <= 0 || OutsidePaths.Covers(path[..length]))
        {
            return false;
        }

        path[length++] = 0;
        result = a[1] < (ulong)length ? -Errno.ERANGE : UserMemory.TryWrite(ref thread, a[0], path[..length]) ? length : -Errno.EFAULT;
        return true;
    }
}
