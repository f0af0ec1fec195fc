using System.Buffers.Binary;
using System.Text;

namespace BlackBox.Images;

/// <summary>/.blackbox/files to and from bytes. There is exactly one encoding of a table; every other is refused.</summary>
public static class FileTable
{
    private const int HeaderLength = 64;
    private const int FormatMask = 0xF000;
    private const int FormatRegular = 0x8000;
    private const int ModeLink = 0xA1FF;
    private const FileFlags KnownFlags = FileFlags.Protected | FileFlags.Code | FileFlags.Script | FileFlags.SymbolicLink;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static ReadOnlySpan<byte> Magic => "BBXFILES"u8;

    /// <param name="records">In ascending order of the path's digest.</param>
    public static byte[] Encode(IReadOnlyList<FileRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        using var strings = new MemoryStream();
        var table = new byte[HeaderLength + (records.Count * FileRecord.Length)];
        for (var i = 0; i < records.Count; i++)
        {
            var target = table.AsSpan(HeaderLength + (i * FileRecord.Length), FileRecord.Length);
            var record = records[i];
            var (size, offset) = ((ulong)record.Size, (ulong)record.TagsOffset);
            if (record.LinkTarget is { } text)
            {
                var bytes = Utf8.GetBytes(text);
                (size, offset) = ((ulong)strings.Length, (ulong)bytes.Length);
                strings.Write(bytes);
            }

            record.PathHash.CopyTo(target);
            record.Salt.CopyTo(target[32..]);
            record.TagsDigest.CopyTo(target[64..]);
            BinaryPrimitives.WriteUInt64LittleEndian(target[96..], size);
            BinaryPrimitives.WriteUInt64LittleEndian(target[104..], offset);
            BinaryPrimitives.WriteUInt32LittleEndian(target[112..], (uint)record.Mode);
            BinaryPrimitives.WriteUInt32LittleEndian(target[116..], (uint)record.Flags);
            record.Head.CopyTo(target[120..]);
        }

        Magic.CopyTo(table);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(8), ImageFormat.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(12), FileRecord.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(16), (ulong)records.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(24), (ulong)table.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(32), (ulong)strings.Length);
        return [.. table, .. strings.ToArray()];
    }

    /// <param name="table">The whole file.</param>
    /// <param name="tagsLength">Bytes of /.blackbox/tags, which the records must fill without gap or overlap.</param>
    /// <exception cref="ImageRefusedException">It is damaged, or not in the one form that the format allows.</exception>
    public static IReadOnlyList<FileRecord> Decode(ReadOnlySpan<byte> table, long tagsLength)
    {
        Check(table.Length >= HeaderLength && table[..8].SequenceEqual(Magic), "it does not begin like a file table");
        Check(BinaryPrimitives.ReadUInt32LittleEndian(table[8..]) == ImageFormat.Version, "its version is unknown");
        Check(BinaryPrimitives.ReadUInt32LittleEndian(table[12..]) == FileRecord.Length, "the size of its records is wrong");
        var count = BinaryPrimitives.ReadUInt64LittleEndian(table[16..]);
        Check(count <= ImageFormat.MaximumRecords, "it has too many records");
        var end = HeaderLength + ((int)count * FileRecord.Length);
        Check(BinaryPrimitives.ReadUInt64LittleEndian(table[24..]) == (ulong)end && end <= table.Length
            && BinaryPrimitives.ReadUInt64LittleEndian(table[32..]) == (ulong)(table.Length - end), "its header does not fit its length");
        Check(table[40..HeaderLength].IndexOfAnyExcept((byte)0) < 0, "reserved bytes of its header are not zero");

        var strings = table[end..];
        var records = new FileRecord[count];
        long nextTag = 0, nextString = 0;
        for (var i = 0; i < records.Length; i++)
        {
            var record = DecodeRecord(table.Slice(HeaderLength + (i * FileRecord.Length), FileRecord.Length), strings, ref nextString);
            Check(i == 0 || records[i - 1].PathHash.AsSpan().SequenceCompareTo(record.PathHash) < 0, "its records are not in order");
            Check(!record.IsProtected || record.TagsOffset == nextTag, "the tags of its files overlap or leave a gap");
            nextTag += record.TagsLength;
            records[i] = record;
        }

        Check(nextTag == tagsLength, "the tags of its files do not fill /.blackbox/tags");
        Check(nextString == strings.Length, "its string area has bytes that no link uses");
        return records;
    }

    private static FileRecord DecodeRecord(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> strings, ref long nextString)
    {
        var size = BinaryPrimitives.ReadUInt64LittleEndian(bytes[96..]);
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[104..]);
        var mode = BinaryPrimitives.ReadUInt32LittleEndian(bytes[112..]);
        var flags = (FileFlags)BinaryPrimitives.ReadUInt32LittleEndian(bytes[116..]);
        var name = Name(bytes[..32]);
        Check(BinaryPrimitives.ReadUInt32LittleEndian(bytes[124..]) == 0, $"reserved bytes of {name} are not zero");
        Check((flags & ~KnownFlags) == 0, $"unknown flags in {name}");
        Check(size <= ImageFormat.MaximumFile && offset <= ImageFormat.MaximumFile, $"a size in {name} is too large");
        var record = new FileRecord
        {
            PathHash = bytes[..32].ToArray(),
            Salt = bytes[32..64].ToArray(),
            TagsDigest = bytes[64..96].ToArray(),
            Mode = (int)mode,
            Flags = flags,
            Head = bytes[120..124].ToArray(),
        };
        if (record.IsLink)
        {
            Check(flags == FileFlags.SymbolicLink && mode == ModeLink, $"{name} is not a proper symbolic link");
            Check(bytes[32..96].IndexOfAnyExcept((byte)0) < 0 && bytes[120..124].IndexOfAnyExcept((byte)0) < 0, $"the link {name} has fields that must be zero");
            Check((long)size == nextString && offset is > 0 and <= ImageFormat.MaximumPath && size + offset <= (ulong)strings.Length, $"the target of the link {name} lies outside of the string area");
            nextString += (long)offset;
            return record with { LinkTarget = Text(strings.Slice((int)size, (int)offset), name) };
        }

        Check((mode & FormatMask) == FormatRegular && mode <= 0xFFFF, $"{name} is not a regular file");
        Check(flags is FileFlags.None or FileFlags.Script or FileFlags.Protected or (FileFlags.Protected | FileFlags.Code), $"the flags of {name} do not go together");
        Check(record.IsProtected || (offset == 0 && bytes[64..96].IndexOfAnyExcept((byte)0) < 0), $"the clear file {name} has fields that must be zero");
        Check(flags.HasFlag(FileFlags.Code) || bytes[120..124].IndexOfAnyExcept((byte)0) < 0, $"{name} has a head without being code");
        return record with { Size = (long)size, TagsOffset = (long)offset };
    }

    /// <summary>How a record is called whose path is not known.</summary>
    internal static string Name(ReadOnlySpan<byte> pathHash) => $"the file whose path has the SHA-256 {Convert.ToHexStringLower(pathHash)}";

    private static string Text(ReadOnlySpan<byte> bytes, string name)
    {
        try
        {
            var text = Utf8.GetString(bytes);
            Check(!text.Contains('\0'), $"the target of {name} holds a NUL");
            return text;
        }
        catch (DecoderFallbackException error)
        {
            throw new ImageRefusedException(ImageFormat.Files.Text, $"the target of {name} is not UTF-8", error);
        }
    }

    private static void Check(bool condition, string reason)
    {
        if (!condition)
        {
            throw new ImageRefusedException(ImageFormat.Files.Text, reason);
        }
    }
}
