using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using BlackBox.Cryptography;

namespace BlackBox.Shield;

/// <summary>The signed list of the image's protected files, scripts and links, once checked against the manifest.</summary>
internal static class FileTable
{
    private const int HeaderBytes = 64;
    private const uint Version = 1;

    private static ulong address;
    private static int length;
    private static int count;
    private static int stringsOffset;
    private static int stringsLength;

    private static ReadOnlySpan<byte> Magic => "BBXFILES"u8;

    public static int Count => count;

    /// <summary>Takes a table that stands in private memory. False: not well-formed; nothing is kept.</summary>
    public static bool TryLoad(ulong at, int bytes)
    {
        count = 0;
        ReadOnlySpan<byte> table = Hardware.Memory(at, bytes);
        if (bytes < HeaderBytes || !table[..8].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(table[8..]) != Version
            || BinaryPrimitives.ReadUInt32LittleEndian(table[12..]) != FileRecord.Size)
        {
            return false;
        }

        ulong records = BinaryPrimitives.ReadUInt64LittleEndian(table[16..]);
        ulong strings = BinaryPrimitives.ReadUInt64LittleEndian(table[24..]);
        ulong stringBytes = BinaryPrimitives.ReadUInt64LittleEndian(table[32..]);
        if (records > (ulong)(bytes - HeaderBytes) / FileRecord.Size || strings != HeaderBytes + (records * FileRecord.Size)
            || stringBytes != (ulong)bytes - strings || table.Slice(40, 24).IndexOfAnyExcept((byte)0) >= 0)
        {
            return false;
        }

        address = at;
        length = bytes;
        count = (int)records;
        stringsOffset = (int)strings;
        stringsLength = (int)stringBytes;
        for (int i = 0; i < count; i++)
        {
            if (!IsWellFormed(i))
            {
                count = 0;
                return false;
            }
        }

        return true;
    }

    public static ref readonly FileRecord Record(int index) =>
        ref MemoryMarshal.AsRef<FileRecord>(Hardware.Memory(address, length).Slice(HeaderBytes + (index * FileRecord.Size), FileRecord.Size));

    /// <summary>Record of a normalised absolute path, or -1.</summary>
    public static int Find(ReadOnlySpan<byte> path)
    {
        Span<byte> hash = stackalloc byte[Digest32.Length];
        Sha256.Hash(path, hash);
        int low = 0;
        int high = count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = Compare(hash, Hash(middle));
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                high = middle - 1;
            }
            else
            {
                low = middle + 1;
            }
        }

        return -1;
    }

    /// <summary>Target of a symbolic link.</summary>
    public static ReadOnlySpan<byte> Target(int index)
    {
        ref readonly FileRecord record = ref Record(index);
        return Hardware.Memory(address, length).Slice(stringsOffset + (int)record.Length, (int)record.TagsOffset);
    }

    public static ReadOnlySpan<byte> Hash(int index) =>
        Hardware.Memory(address, length).Slice(HeaderBytes + (index * FileRecord.Size), Digest32.Length);

    private static bool IsWellFormed(int index)
    {
        ref readonly FileRecord record = ref Record(index);
        if (index > 0 && Compare(Hash(index - 1), Hash(index)) >= 0)
        {
            return false;
        }

        const FileRecordFlags All = FileRecordFlags.Protected | FileRecordFlags.Code | FileRecordFlags.Script | FileRecordFlags.Link;
        if (record.Reserved != 0 || (record.Flags & ~All) != 0)
        {
            return false;
        }

        if (record.IsLink)
        {
            return record.Flags == FileRecordFlags.Link && record.TagsOffset is > 0 and <= Paths.Longest
                && record.Length <= (ulong)stringsLength && record.TagsOffset <= (ulong)stringsLength - record.Length;
        }

        // Code that is not encrypted would be code that nobody verifies; a script is clear text.
        return record.Length <= 1UL << 40 && (!record.IsCode || record.IsProtected) && !(record.IsScript && record.IsProtected);
    }

    private static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        for (int i = 0; i < Digest32.Length; i++)
        {
            if (left[i] != right[i])
            {
                return left[i] - right[i];
            }
        }

        return 0;
    }

    internal static void Reset() => count = 0;
}
