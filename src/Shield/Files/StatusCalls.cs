using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>
/// fstat, newfstatat, statx: of the image's files what the signed table says, without a word of the OS; else Linux's answer, with the size of
/// memory objects put right.
/// </summary>
internal static class StatusCalls
{
    private const ulong EmptyPath = 0x1000;
    private const ulong NoFollow = 0x100;
    private const int StatBytes = 128;
    private const int StatSize = 48;
    private const int StatBlocks = 64;
    private const int ExtendedBytes = 256;
    private const int ExtendedSize = 40;
    private const int ExtendedBlocks = 48;
    private const int SectorBytes = 512;

    public static long ByDescriptor(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.TryFind(ref thread, a[0], out Handle<OpenFile> file))
        {
            return -Errno.EBADF;
        }

        if (Pool<OpenFile>.Get(file).Record >= 0)
        {
            return Listed(ref thread, Pool<OpenFile>.Get(file).Record, a[1], StatBytes);
        }

        Handle<MemoryObject> pages = Take(file);
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(StatBytes, out int offset, out ulong place);
        long result = PlainCall.CheckedZero(Gate.Call(ref thread, Sys.fstat, a[0], place));
        return Finish(ref thread, ref buffer, result, offset, a[1], StatBytes, StatSize, StatBlocks, pages);
    }

    public static long ByPath(ref Thread thread, ref CallArguments a) =>
        AtPath(ref thread, Sys.newfstatat, a[0], a[1], a[3], 0, a[2], StatBytes, StatSize, StatBlocks);

    public static long Extended(ref Thread thread, ref CallArguments a) =>
        AtPath(ref thread, Sys.statx, a[0], a[1], a[2], a[3], a[4], ExtendedBytes, ExtendedSize, ExtendedBlocks);

    private static long AtPath(
        ref Thread thread, Sys number, ulong directory, ulong address, ulong flags, ulong mask, ulong to, int bytes, int sizeAt, int blocksAt)
    {
        long result = PathWork.Read(ref thread, directory, address, (flags & NoFollow) == 0, out PathWork path);
        if (result < 0)
        {
            return result;
        }

        if (AttestationFiles.Find(path.Canonical) is AttestationFile attestation and not AttestationFile.None)
        {
            path.Free();
            Span<byte> status = stackalloc byte[ExtendedBytes];
            AttestationFiles.WriteStatus(attestation, status[..bytes]);
            return UserMemory.TryWrite(ref thread, to, status[..bytes]) ? 0 : -Errno.EFAULT;
        }

        int record = path.Record;
        bool missing = path.Place == PathPlace.Missing;
        Handle<MemoryObject> pages = default;
        if (path.Text.IsEmpty && (flags & EmptyPath) != 0 && Descriptors.TryFind(ref thread, directory, out Handle<OpenFile> file))
        {
            record = Pool<OpenFile>.Get(file).Record;
            pages = Take(file);
        }
        else if (SharedNames.IsName(path.Canonical) && SharedNames.TryFind(path.Canonical, out pages))
        {
            MemoryObjects.AddReference(pages);
        }

        if (record >= 0 || missing)
        {
            path.Free();
            if (!pages.IsNull)
            {
                MemoryObjects.Release(pages);
            }

            return missing ? -Errno.ENOENT : Listed(ref thread, record, to, bytes);
        }

        SharedBuffer buffer = new(ref thread);
        bool put = path.TryPutText(ref buffer, out ulong name);
        put &= buffer.TryReserve(bytes, out int offset, out ulong place);
        result = !put ? -Errno.ENAMETOOLONG
            : number == Sys.newfstatat ? PlainCall.CheckedZero(Gate.Call(ref thread, number, directory, name, place, flags))
            : PlainCall.CheckedZero(Gate.Call(ref thread, number, directory, name, flags, mask, place));
        path.Free();
        return Finish(ref thread, ref buffer, result, offset, to, bytes, sizeAt, blocksAt, pages);
    }

    /// <summary>What the table says of a file of the image.</summary>
    private static long Listed(ref Thread thread, int record, ulong to, int bytes)
    {
        Span<byte> status = stackalloc byte[ExtendedBytes];
        status = status[..bytes];
        status.Clear();
        if (bytes == StatBytes)
        {
            ImageStatus.Fill(record, status);
        }
        else
        {
            ImageStatus.FillExtended(record, status);
        }

        return UserMemory.TryWrite(ref thread, to, status) ? 0 : -Errno.EFAULT;
    }

    /// <summary>The pages of a file that the enclave serves, with a user more; null if there are none.</summary>
    private static Handle<MemoryObject> Take(Handle<OpenFile> file)
    {
        Handle<MemoryObject> pages = Pool<OpenFile>.Get(file).Object;
        if (!pages.IsNull)
        {
            MemoryObjects.AddReference(pages);
        }

        return pages;
    }

    private static long Finish(
        ref Thread thread, ref SharedBuffer buffer, long result, int offset, ulong to, int bytes, int sizeAt, int blocksAt, Handle<MemoryObject> pages)
    {
        Span<byte> status = stackalloc byte[ExtendedBytes];
        status = status[..bytes];
        buffer.CopyOut(offset, status);
        if (!pages.IsNull)
        {
            ref MemoryObject target = ref Pool<MemoryObject>.Get(pages);
            if (target.Kind == ObjectKind.Shared)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(status[sizeAt..], target.Size);
                BinaryPrimitives.WriteUInt64LittleEndian(status[blocksAt..], (ulong)target.PageCount * (FrameAddress.Size / SectorBytes));
            }

            MemoryObjects.Release(pages);
        }

        return result < 0 ? result : UserMemory.TryWrite(ref thread, to, status) ? result : -Errno.EFAULT;
    }
}
