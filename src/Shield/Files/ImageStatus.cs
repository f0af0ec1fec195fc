using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>
/// What stat and getdents answer about the image's files: type, permissions, owner, size and names as the signed table has them. The image
/// counts as a file system of its own, in which a file's number is that of its record.
/// </summary>
internal static class ImageStatus
{
    /// <summary>A device number that Linux gives to nobody: 2992:0.</summary>
    private const uint DeviceMajor = 0xBB0;
    private const ulong Device = DeviceMajor << 8;
    private const int SectorBytes = 512;

    /// <summary>Number of files that are not in the table: what engines mount.</summary>
    private const ulong OutsideNumber = uint.MaxValue;

    /// <summary>STATX_BASIC_STATS.</summary>
    private const uint BasicStatus = 0x7FF;

    // struct linux_dirent64: number, position of the next, length, type, name.
    private const int EntryHeader = 19;
    private const int EntryAlignment = 8;
    private const int LongestEntry = 280;

    // A name in the table: record plus one, type, length, text.
    private const int NameHeader = 6;

    /// <summary>Positions 0 and 1 are "." and ".."; from 2 on they are offsets in the directory's list of names.</summary>
    private const ulong FirstName = 2;

    /// <summary>DT_DIR.</summary>
    private const byte TypeDirectory = 4;

    /// <summary>struct stat of Arm64 (include/uapi/asm-generic/stat.h), zeros before.</summary>
    public static void Fill(int record, Span<byte> status)
    {
        ref readonly FileRecord entry = ref FileTable.Record(record);
        BinaryPrimitives.WriteUInt64LittleEndian(status, Device);
        BinaryPrimitives.WriteUInt64LittleEndian(status[8..], Number(record));
        BinaryPrimitives.WriteUInt32LittleEndian(status[16..], entry.Mode);
        BinaryPrimitives.WriteUInt32LittleEndian(status[20..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(status[24..], entry.UserId);
        BinaryPrimitives.WriteUInt32LittleEndian(status[28..], entry.GroupId);
        BinaryPrimitives.WriteUInt64LittleEndian(status[48..], entry.StatusSize);
        BinaryPrimitives.WriteUInt32LittleEndian(status[56..], FrameAddress.Size);
        BinaryPrimitives.WriteUInt64LittleEndian(status[64..], Sectors(entry));
        BinaryPrimitives.WriteUInt64LittleEndian(status[72..], FileTable.Time);
        BinaryPrimitives.WriteUInt64LittleEndian(status[88..], FileTable.Time);
        BinaryPrimitives.WriteUInt64LittleEndian(status[104..], FileTable.Time);
    }

    /// <summary>struct statx (include/uapi/linux/stat.h), zeros before.</summary>
    public static void FillExtended(int record, Span<byte> status)
    {
        ref readonly FileRecord entry = ref FileTable.Record(record);
        BinaryPrimitives.WriteUInt32LittleEndian(status, BasicStatus);
        BinaryPrimitives.WriteUInt32LittleEndian(status[4..], FrameAddress.Size);
        BinaryPrimitives.WriteUInt32LittleEndian(status[16..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(status[20..], entry.UserId);
        BinaryPrimitives.WriteUInt32LittleEndian(status[24..], entry.GroupId);
        BinaryPrimitives.WriteUInt16LittleEndian(status[28..], entry.Mode);
        BinaryPrimitives.WriteUInt64LittleEndian(status[32..], Number(record));
        BinaryPrimitives.WriteUInt64LittleEndian(status[40..], entry.StatusSize);
        BinaryPrimitives.WriteUInt64LittleEndian(status[48..], Sectors(entry));
        BinaryPrimitives.WriteUInt64LittleEndian(status[64..], FileTable.Time);
        BinaryPrimitives.WriteUInt64LittleEndian(status[96..], FileTable.Time);
        BinaryPrimitives.WriteUInt64LittleEndian(status[112..], FileTable.Time);
        BinaryPrimitives.WriteUInt32LittleEndian(status[136..], DeviceMajor);
    }

    /// <summary>getdents64 of a directory of the image: the signed names, whatever the OS has there. May call the OS for pages of the table.</summary>
    public static long ReadDirectory(ref Thread thread, Handle<OpenFile> handle, ulong to, ulong bytes)
    {
        OpenFiles.AddReference(handle);
        int record = Pool<OpenFile>.Get(handle).Record;
        ulong position = Pool<OpenFile>.Get(handle).Position;
        ulong done = 0;
        long result = 0;
        Span<byte> entry = stackalloc byte[LongestEntry];
        while (result == 0)
        {
            ulong next = position;
            result = TryMake(ref thread, record, ref next, entry, out int length);
            if (result != 0 || length == 0 || (ulong)length > bytes - done)
            {
                result = result == 0 && length > 0 && done == 0 ? -Errno.EINVAL : result;
                break;
            }

            if (!UserMemory.TryWrite(ref thread, to + done, entry[..length]))
            {
                result = -Errno.EFAULT;
                break;
            }

            done += (ulong)length;
            position = next;
        }

        Pool<OpenFile>.Get(handle).Position = position;
        return Descriptors.Done(handle, done > 0 ? (long)done : result);
    }

    private static ulong Number(int record) => (ulong)record + 1;

    private static ulong Sectors(in FileRecord entry) => (entry.StatusSize + SectorBytes - 1) / SectorBytes;

    /// <summary>One entry at a position, which then names the next. Length 0: no more. Returns 0 or -EIO.</summary>
    private static long TryMake(ref Thread thread, int record, ref ulong position, Span<byte> entry, out int length)
    {
        length = 0;
        ref readonly FileRecord directory = ref FileTable.Record(record);
        Span<byte> name = stackalloc byte[NameHeader + byte.MaxValue];
        uint number = (uint)record + 1;
        byte type = TypeDirectory;
        if (position < FirstName)
        {
            name = name[..((int)position + 1)];
            name.Fill((byte)'.');
            position++;
        }
        else
        {
            ulong at = position - FirstName;
            if (at >= directory.Length)
            {
                return 0;
            }

            Span<byte> header = name[..NameHeader];
            if (directory.Length - at < NameHeader || !FileTable.TryCopyStrings(ref thread, directory.Offset + at, header))
            {
                return -Errno.EIO;
            }

            number = BinaryPrimitives.ReadUInt32LittleEndian(header);
            type = header[4];
            int bytes = header[5];
            name = name[..bytes];
            if (directory.Length - at - NameHeader < (ulong)bytes || !FileTable.TryCopyStrings(ref thread, directory.Offset + at + NameHeader, name))
            {
                return -Errno.EIO;
            }

            position += (ulong)(NameHeader + bytes);
        }

        length = (EntryHeader + name.Length + EntryAlignment) & ~(EntryAlignment - 1);
        entry[..length].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(entry, number == 0 ? OutsideNumber : number);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], position);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[16..], (ushort)length);
        entry[18] = type;
        name.CopyTo(entry[EntryHeader..]);
        return 0;
    }
}
