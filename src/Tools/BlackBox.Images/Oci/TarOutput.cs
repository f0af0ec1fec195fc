using System.Globalization;
using System.Text;

namespace BlackBox.Images;

/// <summary>
/// Writes tar archives (POSIX.1-2001 pax interchange format) that depend on what is put in alone. .NET's own writer puts
/// the number of its process into extended headers.
/// </summary>
internal sealed class TarOutput(Stream output, long timeStamp) : IDisposable
{
    private const int RecordLength = 512;
    private const int NameLength = 100;
    private const int CopyLength = 1 << 18;
    private const long MaximumOctal = 0x1FFFFFFFF;
    private const int MaximumOwner = 0x1FFFFF;

    private static readonly byte[] Zeros = new byte[2 * RecordLength];

    /// <summary>Writes an entry with its content.</summary>
    public void Write(RootEntry entry)
    {
        var name = entry.Path.Relative + (entry.Kind == RootEntryKind.Directory ? "/" : "");
        var type = entry.Kind switch
        {
            RootEntryKind.RegularFile => '0',
            RootEntryKind.SymbolicLink => '2',
            RootEntryKind.CharacterDevice => '3',
            RootEntryKind.BlockDevice => '4',
            RootEntryKind.Directory => '5',
            _ => '6',
        };
        WriteExtended(name, entry);
        WriteHeader(name, type, entry.Mode, entry.UserId, entry.GroupId, entry.Length, entry.LinkTarget ?? "", entry.DeviceMajor, entry.DeviceMinor);
        if (entry.Content is { } content)
        {
            using var stream = content.Open();
            stream.CopyTo(output, CopyLength);
            Pad(entry.Length);
        }
    }

    /// <summary>Writes a file that is not part of a root file system.</summary>
    public void WriteFile(string name, ContentSource content) => Write(RootEntry.File(RootPath.Parse(name), content));

    public void WriteFolder(string name) => Write(RootEntry.Directory(RootPath.Parse(name)));

    /// <summary>Two empty records mark the end.</summary>
    public void Dispose() => output.Write(Zeros);

    private void WriteExtended(string name, RootEntry entry)
    {
        var records = new StringBuilder();
        AddIf(records, Encoding.UTF8.GetByteCount(name) > NameLength || !Ascii.IsValid(name), "path", name);
        AddIf(records, entry.LinkTarget is { } target && (Encoding.UTF8.GetByteCount(target) > NameLength || !Ascii.IsValid(target)), "linkpath", entry.LinkTarget ?? "");
        AddIf(records, entry.Length > MaximumOctal, "size", entry.Length.ToString(CultureInfo.InvariantCulture));
        AddIf(records, entry.UserId > MaximumOwner, "uid", entry.UserId.ToString(CultureInfo.InvariantCulture));
        AddIf(records, entry.GroupId > MaximumOwner, "gid", entry.GroupId.ToString(CultureInfo.InvariantCulture));
        if (records.Length == 0)
        {
            return;
        }

        var bytes = Encoding.UTF8.GetBytes(records.ToString());
        WriteHeader("PaxHeaders/" + entry.Path.Name, 'x', 0x1A4, 0, 0, bytes.Length, "", 0, 0);
        output.Write(bytes);
        Pad(bytes.Length);
    }

    /// <summary>"length key=value\n", where the length counts itself.</summary>
    private static void AddIf(StringBuilder records, bool needed, string key, string value)
    {
        if (!needed)
        {
            return;
        }

        var rest = 3 + Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
        var length = rest + 1;
        while (rest + length.ToString(CultureInfo.InvariantCulture).Length != length)
        {
            length = rest + length.ToString(CultureInfo.InvariantCulture).Length;
        }

        _ = records.Append(CultureInfo.InvariantCulture, $"{length} {key}={value}\n");
    }

    private void WriteHeader(string name, char type, int mode, int user, int group, long size, string link, int major, int minor)
    {
        Span<byte> header = stackalloc byte[RecordLength];
        header.Clear();
        Text(header[..NameLength], name);
        Octal(header.Slice(100, 8), mode);
        Octal(header.Slice(108, 8), user > MaximumOwner ? 0 : user);
        Octal(header.Slice(116, 8), group > MaximumOwner ? 0 : group);
        Octal(header.Slice(124, 12), size > MaximumOctal ? 0 : size);
        Octal(header.Slice(136, 12), timeStamp);
        header.Slice(148, 8).Fill((byte)' ');
        header[156] = (byte)type;
        Text(header.Slice(157, NameLength), link);
        "ustar\000"u8.CopyTo(header[257..]);
        "00"u8.CopyTo(header[263..]);
        Octal(header.Slice(329, 8), major);
        Octal(header.Slice(337, 8), minor);
        var sum = 0;
        foreach (var value in header)
        {
            sum += value;
        }

        Octal(header.Slice(148, 7), sum);
        output.Write(header);
    }

    /// <summary>As much as fits; what does not stands in the extended header.</summary>
    private static void Text(Span<byte> field, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        bytes.AsSpan(0, Math.Min(bytes.Length, field.Length)).CopyTo(field);
    }

    private static void Octal(Span<byte> field, long value)
    {
        for (var i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }
    }

    private void Pad(long length)
    {
        var rest = (int)(length % RecordLength);
        output.Write(Zeros, 0, rest == 0 ? 0 : RecordLength - rest);
    }
}
