using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>openat, openat2: what the path names decides who holds the bytes.</summary>
internal static class OpenCalls
{
    /// <summary>struct open_how: flags, mode, resolve.</summary>
    private const int HowBytes = 24;
    private const int MaxHowBytes = FrameAddress.Size;

    public static long OpenAt(ref Thread thread, ref CallArguments a) =>
        Open(ref thread, a[0], a[1], (uint)a[2], a[3], 0, Sys.openat);

    public static long OpenAt2(ref Thread thread, ref CallArguments a)
    {
        if (a[3] < HowBytes)
        {
            return -Errno.EINVAL;
        }

        if (a[3] > MaxHowBytes)
        {
            return -Errno.E2BIG;
        }

        Span<byte> how = stackalloc byte[HowBytes];
        if (!UserMemory.TryRead(ref thread, a[2], how))
        {
            return -Errno.EFAULT;
        }

        // What a later kernel would know must be zero (copy_struct_from_user).
        for (ulong i = HowBytes; i < a[3]; i++)
        {
            if (!UserMemory.TryRead(ref thread, a[2] + i, out byte more))
            {
                return -Errno.EFAULT;
            }

            if (more != 0)
            {
                return -Errno.E2BIG;
            }
        }

        ulong flags = BinaryPrimitives.ReadUInt64LittleEndian(how);
        return flags > uint.MaxValue
            ? -Errno.EINVAL
            : Open(ref thread, a[0], a[1], (uint)flags, BinaryPrimitives.ReadUInt64LittleEndian(how[8..]), BinaryPrimitives.ReadUInt64LittleEndian(how[16..]), Sys.openat2);
    }

    private static long Open(ref Thread thread, ulong directory, ulong address, uint flags, ulong mode, ulong resolve, Sys number)
    {
        bool follow = (flags & OpenFlags.NoFollow) == 0
            && (flags & (OpenFlags.Create | OpenFlags.Exclusive)) != (OpenFlags.Create | OpenFlags.Exclusive);
        long result = PathWork.Read(ref thread, directory, address, follow, out PathWork path);
        if (result < 0)
        {
            return result;
        }

        result = Descriptors.Reserve(ref thread)
            ? OpenResolved(ref thread, directory, ref path, flags, mode, resolve, number)
            : -Errno.ENOMEM;
        path.Free();
        return result;
    }

    private static long OpenResolved(ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number)
    {
        if ((flags & OpenFlags.PathOnly) == 0
            && AttestationFiles.Find(path.Canonical) is AttestationFile attestation and > AttestationFile.Directory)
        {
            return AttestationFiles.Open(ref thread, attestation, flags);
        }

        if (path.Place == PathPlace.Listed)
        {
            return OpenListed(ref thread, directory, ref path, flags, mode, resolve, number);
        }

        if (path.Place == PathPlace.Missing)
        {
            return ImageCalls.Refuse(ref path, (flags & OpenFlags.Create) != 0 && (flags & OpenFlags.PathOnly) == 0);
        }

        if ((flags & OpenFlags.PathOnly) == 0)
        {
            if (DescriptorLinks.TryParse(ref thread, path.Canonical, out ulong descriptor)
                && Descriptors.Kind(ref thread, descriptor, out Handle<OpenFile> linked) > OpenFileKind.Clear)
            {
                return OpenLinked(ref thread, directory, ref path, flags, mode, resolve, number, linked);
            }

            if (ProcessViews.TryParse(ref thread, path.Canonical, out bool detailed))
            {
                return OpenView(ref thread, directory, ref path, flags, mode, resolve, number, detailed);
            }

            if (SharedNames.IsName(path.Canonical))
            {
                return OpenShared(ref thread, directory, ref path, flags, mode, resolve, number);
            }
        }

        long result = Forward(ref thread, directory, ref path, flags, mode, resolve, number);
        if (result < 0)
        {
            return result;
        }

        if (!OpenFiles.TryMake(OpenFileKind.Clear, flags, out Handle<OpenFile> file))
        {
            _ = Gate.Call(ref thread, Sys.close, (ulong)result);
            return -Errno.ENOMEM;
        }

        // A directory is never opened for writing.
        if ((flags & (OpenFlags.AccessMode | OpenFlags.Create)) == 0 && !path.Canonical.IsEmpty)
        {
            _ = StoredPaths.TryStore(path.Canonical, out Pool<OpenFile>.Get(file).Path);
        }

        return Descriptors.Record(ref thread, result, file, (flags & OpenFlags.CloseOnExec) != 0);
    }

    /// <summary>
    /// What the signed table lists: the OS makes a descriptor, so that numbers, poll and permissions are as ever, but what it is and what it
    /// holds come from the table and the verified pages. Read-only, as on a read-only file system.
    /// </summary>
    private static long OpenListed(ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number)
    {
        bool pathOnly = (flags & OpenFlags.PathOnly) != 0;
        long refused = pathOnly ? 0 : Check(FileTable.Record(path.Record), flags);
        if (refused < 0)
        {
            ProtectedImage.Trace(path.Canonical, "is the image's, not opened to be changed"u8);
            return refused;
        }

        bool isDirectory = FileTable.Record(path.Record).IsDirectory;
        if (pathOnly && (flags & OpenFlags.Directory) != 0 && !isDirectory)
        {
            return -Errno.ENOTDIR;
        }

        uint osFlags = (flags & ~(OpenFlags.Create | OpenFlags.Exclusive)) | OpenFlags.NoFollow | (isDirectory ? OpenFlags.Directory : 0);
        long result = ForwardListed(ref thread, directory, ref path, osFlags, mode, resolve, number);
        if (result < 0)
        {
            return result;
        }

        if (!pathOnly && !isDirectory)
        {
            long opened = ProtectedFiles.Open(ref thread, path.Record, path.Canonical, result, out Handle<MemoryObject> pages);
            return Attach(ref thread, result, opened, OpenFileKind.Protected, flags, pages, path.Record);
        }

        if (!OpenFiles.TryMake(OpenFileKind.Entry, flags, out Handle<OpenFile> file))
        {
            _ = Gate.Call(ref thread, Sys.close, (ulong)result);
            return -Errno.ENOMEM;
        }

        ref OpenFile made = ref Pool<OpenFile>.Get(file);
        made.Listing = path.Record + 1;
        _ = StoredPaths.TryStore(path.Canonical, out made.Path);
        return Descriptors.Record(ref thread, result, file, (flags & OpenFlags.CloseOnExec) != 0);
    }

    /// <summary>Whether what a record describes may be opened so: 0 or -errno.</summary>
    private static long Check(in FileRecord record, uint flags)
    {
        bool writes = (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly || (flags & OpenFlags.Truncate) != 0;
        return (flags & (OpenFlags.Create | OpenFlags.Exclusive)) == (OpenFlags.Create | OpenFlags.Exclusive) ? -Errno.EEXIST
            : record.IsLink ? ((flags & OpenFlags.Directory) != 0 ? -Errno.ENOTDIR : -Errno.ELOOP)
            : (flags & OpenFlags.Temporary) == OpenFlags.Temporary ? (record.IsDirectory ? -Errno.EROFS : -Errno.ENOTDIR)
            : record.IsDirectory ? (writes || (flags & OpenFlags.Create) != 0 ? -Errno.EISDIR : 0)
            : (flags & OpenFlags.Directory) != 0 ? -Errno.ENOTDIR
            : writes ? -Errno.EROFS : 0;
    }

    /// <summary>
    /// Opens at the OS by the canonical path, so that its own idea of links does not count; where a call asks for rules about the way, by the
    /// program's text. That the OS does not have it is a lie.
    /// </summary>
    private static long ForwardListed(ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number)
    {
        if (number == Sys.openat2 && resolve != 0)
        {
            return Forward(ref thread, directory, ref path, flags, mode, resolve, number);
        }

        SharedBuffer buffer = new(ref thread);
        return path.TryPutCanonical(ref buffer, out ulong place)
            ? ProtectedImage.Answer(ref thread, PlainCall.Checked(Gate.Call(ref thread, Sys.openat, PathWork.CurrentDirectory, place, flags)), path.Canonical)
            : -Errno.ENAMETOOLONG;
    }

    /// <summary>/proc/self/maps and smaps: the OS makes the descriptor, the text is the enclave's.</summary>
    private static long OpenView(
        ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number, bool detailed)
    {
        const int TextFrames = 256;
        long result = Frames.Reserve(ref thread, TextFrames)
            ? Forward(ref thread, directory, ref path, flags, mode, resolve, number)
            : -Errno.ENOMEM;
        if (result < 0)
        {
            return result;
        }

        long made = ProcessViews.Make(ref thread, detailed, out Handle<MemoryObject> text);
        return Attach(ref thread, result, made, OpenFileKind.Memory, flags & ~OpenFlags.AccessMode, text);
    }

    /// <summary>A name in /dev/shm: Linux keeps an empty file of that name, the bytes are an object of the enclave.</summary>
    private static long OpenShared(ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number)
    {
        long result = Forward(ref thread, directory, ref path, flags, mode, resolve, number);
        if (result < 0)
        {
            return result;
        }

        bool known = SharedNames.TryFind(path.Canonical, out Handle<MemoryObject> pages);
        if (!known && ((flags & OpenFlags.Create) == 0 || (flags & OpenFlags.Directory) != 0))
        {
            // Not made by this enclave: a file, or a directory, of the OS.
            return Descriptors.RecordClear(ref thread, result, (flags & OpenFlags.CloseOnExec) != 0);
        }

        long opened = 0;
        if (!known)
        {
            opened = SharedNames.Create(path.Canonical, out pages);
        }
        else
        {
            MemoryObjects.AddReference(pages);
            if ((flags & OpenFlags.Truncate) != 0)
            {
                MemoryObjects.Resize(pages, 0);
            }
        }

        return Attach(ref thread, result, opened, OpenFileKind.Memory, flags, pages);
    }

    /// <summary>
    /// /dev/fd/N and its kin of what the enclave serves: a second open file on the same object (proc_pid_get_link, and open of what it
    /// leads to). For a pipe the access mode chooses the ends.
    /// </summary>
    private static long OpenLinked(
        ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number, Handle<OpenFile> linked)
    {
        OpenFileKind kind = Pool<OpenFile>.Get(linked).Kind;
        int record = Pool<OpenFile>.Get(linked).Record;
        if (kind == OpenFileKind.Entry)
        {
            Span<byte> name = stackalloc byte[PathWork.MaxPath];
            int length = StoredPaths.CopyTo(Pool<OpenFile>.Get(linked).Path, name);
            path.Replace(name[..Math.Max(length, 0)], record);
            return length <= 0 ? -Errno.ENOENT : OpenListed(ref thread, directory, ref path, flags, mode, resolve, number);
        }

        OpenFiles.AddReference(linked);
        bool writes = (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly || (flags & OpenFlags.Truncate) != 0;
        if (kind == OpenFileKind.Protected && writes)
        {
            return Descriptors.Done(linked, -Errno.EROFS);
        }

        uint osFlags = kind == OpenFileKind.Channel ? flags | OpenFlags.NonBlock : flags;
        long result = Forward(ref thread, directory, ref path, osFlags, mode, resolve, number);
        if (result < 0)
        {
            return Descriptors.Done(linked, result);
        }

        Handle<MemoryObject> pages = Pool<OpenFile>.Get(linked).Object;
        if (!pages.IsNull)
        {
            MemoryObjects.AddReference(pages);
            if (kind == OpenFileKind.Memory && (flags & OpenFlags.Truncate) != 0)
            {
                MemoryObjects.Resize(pages, 0);
            }
        }

        if (kind == OpenFileKind.Channel)
        {
            long opened = Channels.Reopen(linked, flags, out Handle<OpenFile> end);
            if (opened < 0)
            {
                _ = Gate.Call(ref thread, Sys.close, (ulong)result);
                return Descriptors.Done(linked, opened);
            }

            return Descriptors.Done(linked, Descriptors.Record(ref thread, result, end, (flags & OpenFlags.CloseOnExec) != 0));
        }

        return Descriptors.Done(linked, Attach(ref thread, result, 0, kind, flags, pages, record));
    }

    /// <summary>Records a descriptor of the OS with the object behind it, or closes it again when there is none.</summary>
    internal static long Attach(ref Thread thread, long number, long opened, OpenFileKind kind, uint flags, Handle<MemoryObject> pages, int record = -1)
    {
        if (opened >= 0 && OpenFiles.TryMake(kind, flags, out Handle<OpenFile> file))
        {
            Pool<OpenFile>.Get(file).Object = pages;
            Pool<OpenFile>.Get(file).Listing = record + 1;
            return Descriptors.Record(ref thread, number, file, (flags & OpenFlags.CloseOnExec) != 0);
        }

        if (opened >= 0)
        {
            MemoryObjects.Release(pages);
        }

        _ = Gate.Call(ref thread, Sys.close, (ulong)number);
        return opened < 0 ? opened : -Errno.ENOMEM;
    }

    private static long Forward(ref Thread thread, ulong directory, ref PathWork path, uint flags, ulong mode, ulong resolve, Sys number)
    {
        SharedBuffer buffer = new(ref thread);
        if (!path.TryPutText(ref buffer, out ulong place))
        {
            return -Errno.ENAMETOOLONG;
        }

        if (number == Sys.openat)
        {
            return PlainCall.Checked(Gate.Call(ref thread, Sys.openat, directory, place, flags, mode));
        }

        Span<byte> how = stackalloc byte[HowBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(how, flags);
        BinaryPrimitives.WriteUInt64LittleEndian(how[8..], mode);
        BinaryPrimitives.WriteUInt64LittleEndian(how[16..], resolve);
        return buffer.TryPut(how, out ulong howPlace)
            ? PlainCall.Checked(Gate.Call(ref thread, Sys.openat2, directory, place, howPlace, HowBytes))
            : -Errno.ENOMEM;
    }
}
