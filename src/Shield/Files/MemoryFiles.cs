using System;

namespace BlackBox.Shield;

/// <summary>memfd_create, and what happens to names in /dev/shm.</summary>
internal static class MemoryFiles
{
    private const uint CloseOnExec = 1;
    private const uint AllowSealing = 2;
    private const ulong RemoveDirectory = 0x200;
    private const ulong Exchange = 2;

    /// <summary>Longest name (MFD_NAME_MAX_LEN) with its NUL.</summary>
    private const int MaxName = 250;

    public static long Create(ref Thread thread, ref CallArguments a)
    {
        uint flags = (uint)a[1];
        if ((flags & ~(CloseOnExec | AllowSealing)) != 0)
        {
            return -Errno.EINVAL;
        }

        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        Span<byte> name = stackalloc byte[MaxName];
        if (!UserMemory.TryReadString(ref thread, a[0], name, out long length))
        {
            return length == -Errno.ENAMETOOLONG ? -Errno.EINVAL : length;
        }

        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPut(name[..((int)length + 1)], out ulong place) || !MemoryObjects.TryCreateShared(0, out Handle<MemoryObject> memory))
        {
            return -Errno.ENOMEM;
        }

        if ((flags & AllowSealing) == 0)
        {
            Pool<MemoryObject>.Get(memory).Seals = SharedObjects.SealSeal;
        }

        if (!OpenFiles.TryMake(OpenFileKind.Memory, OpenFlags.ReadWrite, out Handle<OpenFile> file))
        {
            MemoryObjects.Release(memory);
            return -Errno.ENOMEM;
        }

        Pool<OpenFile>.Get(file).Object = memory;
        return Descriptors.Record(ref thread, Gate.Call(ref thread, Sys.memfd_create, place, flags), file, (flags & CloseOnExec) != 0);
    }

    public static long Unlink(ref Thread thread, ref CallArguments a)
    {
        if (ImageCalls.TryServe(ref thread, Sys.unlinkat, ref a, out long served))
        {
            return served;
        }

        long result = PathWork.Read(ref thread, a[0], a[1], follow: false, out PathWork path);
        if (result < 0)
        {
            return result;
        }

        SharedBuffer buffer = new(ref thread);
        result = path.TryPutText(ref buffer, out ulong place)
            ? PlainCall.Checked(Gate.Call(ref thread, Sys.unlinkat, a[0], place, a[2]))
            : -Errno.ENAMETOOLONG;
        if (result >= 0 && (a[2] & RemoveDirectory) == 0 && SharedNames.IsName(path.Canonical))
        {
            SharedNames.Remove(path.Canonical);
        }

        path.Free();
        return result;
    }

    public static long Rename(ref Thread thread, ref CallArguments a) => Rename(ref thread, ref a, 0);

    public static long RenameFlagged(ref Thread thread, ref CallArguments a) => Rename(ref thread, ref a, a[4]);

    private static long Rename(ref Thread thread, ref CallArguments a, ulong flags)
    {
        if (ImageCalls.TryServe(ref thread, Sys.renameat2, ref a, out long served))
        {
            return served;
        }

        long result = PathWork.Read(ref thread, a[0], a[1], follow: false, out PathWork from);
        if (result < 0)
        {
            return result;
        }

        result = PathWork.Read(ref thread, a[2], a[3], follow: false, out PathWork to);
        if (result == 0)
        {
            bool named = SharedNames.IsName(from.Canonical) || SharedNames.IsName(to.Canonical);
            SharedBuffer buffer = new(ref thread);
            result = named && (flags & Exchange) != 0 ? -Errno.EINVAL
                : from.TryPutText(ref buffer, out ulong fromPlace) && to.TryPutText(ref buffer, out ulong toPlace)
                    ? PlainCall.Checked(Gate.Call(ref thread, Sys.renameat2, a[0], fromPlace, a[2], toPlace, flags))
                : -Errno.ENAMETOOLONG;
            if (result >= 0 && named)
            {
                SharedNames.Rename(from.Canonical, to.Canonical);
            }

            to.Free();
        }

        from.Free();
        return result;
    }
}
