using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace BlackBox.Images;

/// <summary>/.blackbox/files to and from bytes. There is exactly one encoding of a table; every other is refused.</summary>
public static class FileTable
{
    private const int HeaderLength = 128;
    private const int NameHeader = 6;
    private const int ModeDirectory = 0x4000;
    private const int ModeRegular = 0x8000;
    private const int ModeLink = 0xA1FF;
    private const FileFlags KnownFlags = FileFlags.Protected | FileFlags.Code | FileFlags.Script | FileFlags.SymbolicLink | FileFlags.Directory;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static ReadOnlySpan<byte> Magic => "BBXFILES"u8;

    /// <summary>The table, without the digests of its pages.</summary>
    /// <param name="records">In ascending order of the path's digest.</param>
    /// <param name="time">Time stamp of all files, in seconds since 1970.</param>
    public static byte[] Encode(IReadOnlyList<FileRecord> records, long time = 0)
    {
        ArgumentNullException.ThrowIfNull(records);
        using var strings = new MemoryStream();
        var table = new byte[HeaderLength + (records.Count * FileRecord.Length)];
        for (var i = 0; i < records.Count; i++)
        {
            var target = table.AsSpan(HeaderLength + (i * FileRecord.Length), FileRecord.Length);
            var record = records[i];
            var (size, offset) = (record.Size, record.TagsOffset);
            if (!record.IsFile)
            {
                var bytes = record.LinkTarget is { } text ? Utf8.GetBytes(text) : EncodeNames(record.Names);
                (size, offset) = (bytes.Length, strings.Length);
                strings.Write(bytes);
            }

            record.PathHash.CopyTo(target);
            record.Salt.CopyTo(target[32..]);
            record.TagsDigest.CopyTo(target[64..]);
            BinaryPrimitives.WriteInt64LittleEndian(target[96..], size);
            BinaryPrimitives.WriteInt64LittleEndian(target[104..], offset);
            BinaryPrimitives.WriteUInt16LittleEndian(target[112..], (ushort)record.Mode);
            BinaryPrimitives.WriteUInt16LittleEndian(target[114..], (ushort)record.Flags);
            BinaryPrimitives.WriteInt32LittleEndian(target[116..], record.UserId);
            BinaryPrimitives.WriteInt32LittleEndian(target[120..], record.GroupId);
            record.Head.CopyTo(target[124..]);
        }

        Magic.CopyTo(table);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(8), ImageFormat.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(12), FileRecord.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(16), (ulong)records.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(24), (ulong)table.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(32), (ulong)strings.Length);
        BinaryPrimitives.WriteInt64LittleEndian(table.AsSpan(40), time);
        return [.. table, .. strings.GetBuffer().AsSpan(0, (int)strings.Length)];
    }

    /// <summary>SHA-256 of each page of 4096 bytes of a table (the last may be short), one after the other.</summary>
    public static byte[] PageDigests(ReadOnlySpan<byte> table)
    {
        var digests = new byte[ImageFormat.PageCount(table.Length) * ImageFormat.PageDigestLength];
        for (var page = 0; page * ImageFormat.PageLength < table.Length; page++)
        {
            var start = page * ImageFormat.PageLength;
            SHA256.HashData(table[start..Math.Min(table.Length, start + ImageFormat.PageLength)], digests.AsSpan(page * ImageFormat.PageDigestLength));
        }

        return digests;
    }

    /// <param name="table">The table without its pages' digests.</param>
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
        Check(BinaryPrimitives.ReadInt64LittleEndian(table[40..]) is >= 0 and <= uint.MaxValue, "its time stamp is out of range");
        Check(table[48..HeaderLength].IndexOfAnyExcept((byte)0) < 0, "reserved bytes of its header are not zero");

        var strings = table[end..];
        var records = new FileRecord[count];
        long nextTag = 0, nextString = 0;
        for (var i = 0; i < records.Length; i++)
        {
            var record = DecodeRecord(table.Slice(HeaderLength + (i * FileRecord.Length), FileRecord.Length), strings, (int)count, ref nextString);
            Check(i == 0 || records[i - 1].PathHash.AsSpan().SequenceCompareTo(record.PathHash) < 0, "its records are not in order");
            Check(!record.IsFile || record.TagsOffset == nextTag, "the tags of its files overlap or leave a gap");
            nextTag += record.TagsLength;
            records[i] = record;
        }

        Check(nextTag == tagsLength, "the tags of its files do not fill /.blackbox/tags");
        Check(nextString == strings.Length, "its string area has bytes that nothing uses");
        CheckNames(records);
        return records;
    }

    /// <summary>Time stamp of all files in seconds since 1970; the table must be a checked one.</summary>
    internal static long TimeOf(ReadOnlySpan<byte> table) => BinaryPrimitives.ReadInt64LittleEndian(table[40..]);

    /// <summary>How a record is called whose path is not known.</summary>
    internal static string Name(ReadOnlySpan<byte> pathHash) => $"the file whose path has the SHA-256 {Convert.ToHexStringLower(pathHash)}";

    private static byte[] EncodeNames(IReadOnlyList<DirectoryName> names)
    {
        using var list = new MemoryStream();
        Span<byte> header = stackalloc byte[NameHeader];
        foreach (var item in names)
        {
            var bytes = Utf8.GetBytes(item.Name);
            BinaryPrimitives.WriteInt32LittleEndian(header, item.Record + 1);
            (header[4], header[5]) = ((byte)item.Type, (byte)bytes.Length);
            list.Write(header);
            list.Write(bytes);
        }

        return list.ToArray();
    }

    private static FileRecord DecodeRecord(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> strings, int count, ref long nextString)
    {
        var size = BinaryPrimitives.ReadUInt64LittleEndian(bytes[96..]);
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[104..]);
        var mode = (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes[112..]);
        var flags = (FileFlags)BinaryPrimitives.ReadUInt16LittleEndian(bytes[114..]);
        var name = Name(bytes[..32]);
        Check((flags & ~KnownFlags) == 0, $"unknown flags in {name}");
        Check(size <= ImageFormat.MaximumFile && offset <= ImageFormat.MaximumOffset, $"a size in {name} is too large");
        var record = new FileRecord
        {
            PathHash = bytes[..32].ToArray(),
            Salt = bytes[32..64].ToArray(),
            TagsDigest = bytes[64..96].ToArray(),
            Mode = mode,
            Flags = flags,
            UserId = BinaryPrimitives.ReadInt32LittleEndian(bytes[116..]),
            GroupId = BinaryPrimitives.ReadInt32LittleEndian(bytes[120..]),
            Head = bytes[124..128].ToArray(),
        };
        Check(record is { UserId: >= 0, GroupId: >= 0 }, $"the owner of {name} is out of range");
        if (!record.IsFile)
        {
            Check(flags == FileFlags.SymbolicLink ? mode == ModeLink : flags == FileFlags.Directory && (mode & ~0xFFF) == ModeDirectory, $"{name} is not a proper symbolic link or directory");
            Check(bytes[32..96].IndexOfAnyExcept((byte)0) < 0 && bytes[124..].IndexOfAnyExcept((byte)0) < 0, $"{name} has fields that must be zero");
            Check((long)offset == nextString && size <= (ulong)strings.Length - offset, $"what {name} leads to lies outside of the string area");
            nextString += (long)size;
            var area = strings.Slice((int)offset, (int)size);
            return record.IsLink ? record with { LinkTarget = Target(area, name) } : record with { Names = DecodeNames(area, count, name) };
        }

        Check((mode & ~0xFFF) == ModeRegular, $"{name} is not a regular file");
        Check(flags is FileFlags.None or FileFlags.Protected or (FileFlags.Protected | FileFlags.Script) or (FileFlags.Protected | FileFlags.Code), $"the flags of {name} do not go together");
        Check(record.HasMagic || bytes[124..].IndexOfAnyExcept((byte)0) < 0, $"{name} has a head without being code");
        Check(!record.HasMagic || size >= 4, $"{name} is too short for what it is");
        return record with { Size = (long)size, TagsOffset = (long)offset };
    }

    private static string Target(ReadOnlySpan<byte> bytes, string name)
    {
        Check(bytes.Length is > 0 and <= ImageFormat.MaximumPath, $"the target of {name} has no possible length");
        return Text(bytes, name);
    }

    private static List<DirectoryName> DecodeNames(ReadOnlySpan<byte> bytes, int count, string name)
    {
        var names = new List<DirectoryName>();
        while (!bytes.IsEmpty)
        {
            Check(bytes.Length > NameHeader && bytes[5] > 0 && bytes[5] <= bytes.Length - NameHeader, $"the names in {name} are damaged");
            var record = BinaryPrimitives.ReadInt32LittleEndian(bytes) - 1;
            var text = Text(bytes.Slice(NameHeader, bytes[5]), name);
            Check(record >= -1 && record < count && text is not ("." or "..") && !text.Contains('/'), $"a name in {name} is damaged");
            Check(names.Count == 0 || string.CompareOrdinal(names[^1].Name, text) < 0, $"the names in {name} are not in order");
            names.Add(new DirectoryName(text, bytes[4], record));
            bytes = bytes[(NameHeader + bytes[5])..];
        }

        return names;
    }

    /// <summary>Every record but the root's stands in exactly one directory, as what it is.</summary>
    private static void CheckNames(FileRecord[] records)
    {
        var named = new bool[records.Length];
        foreach (var item in records.SelectMany(record => record.Names).Where(item => item.Record >= 0))
        {
            var record = records[item.Record];
            var type = record.IsDirectory ? DirectoryName.TypeDirectory : record.IsLink ? DirectoryName.TypeLink : DirectoryName.TypeFile;
            Check(!named[item.Record] && item.Type == type, $"'{item.Name}' is in two directories, or is not what its directory says");
            named[item.Record] = true;
        }

        Check(named.Count(found => !found) <= 1, "a file stands in no directory");
    }

    private static string Text(ReadOnlySpan<byte> bytes, string name)
    {
        try
        {
            var text = Utf8.GetString(bytes);
            Check(!text.Contains('\0'), $"a text of {name} holds a NUL");
            return text;
        }
        catch (DecoderFallbackException error)
        {
            throw new ImageRefusedException(ImageFormat.Files.Text, $"a text of {name} is not UTF-8", error);
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
