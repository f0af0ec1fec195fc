using System;

namespace BlackBox.Shield;

/// <summary>Working directory (shared by CLONE_FS). Root and umask are Linux's: chroot is not offered, umask forwarded.</summary>
internal struct FileSystemInfo
{
    public int Users;

    /// <summary>Canonical path of the working directory; null: not known, relative paths are then Linux's alone.</summary>
    public Handle<StoredPath> Directory;
}

/// <summary>Working directories.</summary>
internal static class FileSystems
{
    public static bool TryClone(ref Process parent, bool share, out Handle<FileSystemInfo> info)
    {
        info = parent.FileSystem;
        if (share && !info.IsNull)
        {
            Pool<FileSystemInfo>.Get(info).Users++;
            return true;
        }

        if (!Pool<FileSystemInfo>.TryAdd(out info))
        {
            return false;
        }

        ref FileSystemInfo made = ref Pool<FileSystemInfo>.Get(info);
        made.Users = 1;
        if (!parent.FileSystem.IsNull && !Pool<FileSystemInfo>.Get(parent.FileSystem).Directory.IsNull)
        {
            Span<byte> path = stackalloc byte[PathWork.MaxPath];
            int length = StoredPaths.CopyTo(Pool<FileSystemInfo>.Get(parent.FileSystem).Directory, path);
            if (!StoredPaths.TryStore(path[..Math.Max(length, 0)], out made.Directory))
            {
                Release(info);
                info = default;
                return false;
            }
        }

        return true;
    }

    public static bool TryStart(ref Process process)
    {
        if (!Pool<FileSystemInfo>.TryAdd(out process.FileSystem))
        {
            return false;
        }

        Pool<FileSystemInfo>.Get(process.FileSystem).Users = 1;
        return true;
    }

    public static void Release(Handle<FileSystemInfo> info)
    {
        if (info.IsNull || --Pool<FileSystemInfo>.Get(info).Users > 0)
        {
            return;
        }

        StoredPaths.Free(Pool<FileSystemInfo>.Get(info).Directory);
        Pool<FileSystemInfo>.Free(info);
    }

    /// <summary>Sets the working directory that relative paths start from (canonical, absolute); empty: not known.</summary>
    public static bool TrySetDirectory(ref Process process, ReadOnlySpan<byte> path)
    {
        Handle<StoredPath> stored = default;
        bool done = path.IsEmpty || StoredPaths.TryStore(path, out stored);
        ref FileSystemInfo info = ref Pool<FileSystemInfo>.Get(process.FileSystem);
        StoredPaths.Free(info.Directory);
        info.Directory = stored;
        return done;
    }

    /// <summary>Copies the canonical path of a directory: AT_FDCWD or a descriptor. -1: not known.</summary>
    public static int CopyDirectory(ref Thread thread, ulong directory, Span<byte> to)
    {
        Handle<StoredPath> path = default;
        if ((int)directory == unchecked((int)PathWork.CurrentDirectory))
        {
            path = Pool<FileSystemInfo>.Get(Pool<Process>.Get(thread.Process).FileSystem).Directory;
        }
        else if (Descriptors.TryFind(ref thread, directory, out Handle<OpenFile> file))
        {
            path = Pool<OpenFile>.Get(file).Path;
        }

        return path.IsNull ? -1 : StoredPaths.CopyTo(path, to);
    }

    /// <summary>
    /// The first process starts in the directory that the manifest names, whatever the OS chose. Stops the enclave if the OS does not have it.
    /// </summary>
    public static void Enter(ref Thread thread, ReadOnlySpan<byte> directory)
    {
        Span<byte> path = stackalloc byte[PathWork.MaxPath];
        long length = Paths.Resolve(ref thread, directory, path[..^1], follow: true, out int record);
        SharedBuffer buffer = new(ref thread);
        bool exists = length > 0 && (record >= 0 ? FileTable.Record(record).IsDirectory : OutsidePaths.Covers(path[..(int)length]));
        if (exists)
        {
            path[(int)length] = 0;
            exists = buffer.TryPut(path[..((int)length + 1)], out ulong place) && Gate.Call(ref thread, Sys.chdir, place) == 0;
        }

        if (!exists || !TrySetDirectory(ref Pool<Process>.Get(thread.Process), path[..(int)length]))
        {
            Panic.Stop(PanicReason.Start, "the working directory cannot be entered"u8);
        }
    }

    public static long ChangeDirectory(ref Thread thread, ref CallArguments a)
    {
        long result = PathWork.Read(ref thread, PathWork.CurrentDirectory, a[0], follow: true, out PathWork path);
        if (result < 0)
        {
            return result;
        }

        SharedBuffer buffer = new(ref thread);
        bool listed = path.Place == PathPlace.Listed;
        if (path.Place == PathPlace.Missing || (listed && !FileTable.Record(path.Record).IsDirectory))
        {
            result = listed ? -Errno.ENOTDIR : -Errno.ENOENT;
        }
        else if (listed ? !path.TryPutCanonical(ref buffer, out ulong place) : !path.TryPutText(ref buffer, out place))
        {
            result = -Errno.ENAMETOOLONG;
        }
        else
        {
            result = PlainCall.Checked(Gate.Call(ref thread, Sys.chdir, place));
            result = listed ? ProtectedImage.Answer(ref thread, result, path.Canonical) : result;
        }

        if (result >= 0)
        {
            _ = TrySetDirectory(ref Pool<Process>.Get(thread.Process), path.Canonical);
        }

        path.Free();
        return result;
    }

    public static long ChangeToDescriptor(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.TryFind(ref thread, a[0], out _))
        {
            return -Errno.EBADF;
        }

        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.fchdir, a[0]));
        if (result >= 0)
        {
            Span<byte> path = stackalloc byte[PathWork.MaxPath];
            int length = CopyDirectory(ref thread, a[0], path);
            _ = TrySetDirectory(ref Pool<Process>.Get(thread.Process), path[..Math.Max(length, 0)]);
        }

        return result;
    }
}
