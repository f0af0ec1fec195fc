using System.Formats.Tar;
using System.Text;

namespace BlackBox.Images.Tests;

/// <summary>Archives with all that the real ones have, and with what only hostile ones have.</summary>
internal sealed class TarSample
{
    private readonly List<byte[]> _parts = [];

    public TarSample Add(TarEntryType type, string name, string content = "", string link = "", TarEntryFormat format = TarEntryFormat.Pax, int mode = 0x1A4, int owner = 0)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, format, leaveOpen: true))
        {
            TarEntry entry = format switch
            {
                TarEntryFormat.Gnu => new GnuTarEntry(type, name),
                TarEntryFormat.Ustar => new UstarTarEntry(type, name),
                _ => new PaxTarEntry(type, name),
            };
            entry.Mode = (UnixFileMode)mode;
            (entry.Uid, entry.Gid) = (owner, owner);
            if (link.Length > 0)
            {
                entry.LinkName = link;
            }

            if (type == TarEntryType.RegularFile)
            {
                entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content));
            }

            writer.WriteEntry(entry);
        }

        // Without the two empty records at the end.
        _parts.Add(stream.ToArray()[..^1024]);
        return this;
    }

    public TarSample File(string name, string content = "x", int mode = 0x1A4) => Add(TarEntryType.RegularFile, name, content, mode: mode);

    public TarSample Folder(string name) => Add(TarEntryType.Directory, name, mode: 0x1ED);

    public TarSample Link(string name, string target) => Add(TarEntryType.SymbolicLink, name, link: target);

    public TarSample HardLink(string name, string target) => Add(TarEntryType.HardLink, name, link: target);

    /// <summary>A header made by hand, so that it may say anything.</summary>
    public TarSample Raw(string name, char type, string size, byte[]? content = null, string link = "")
    {
        var header = new byte[512];
        Encoding.Latin1.GetBytes(name).AsSpan(0, Math.Min(name.Length, 100)).CopyTo(header);
        "0000644\0"u8.CopyTo(header.AsSpan(100));
        "0000000\0"u8.CopyTo(header.AsSpan(108));
        "0000000\0"u8.CopyTo(header.AsSpan(116));
        Encoding.Latin1.GetBytes(size.PadRight(12, '\0')).CopyTo(header.AsSpan(124));
        "00000000000\0"u8.CopyTo(header.AsSpan(136));
        header.AsSpan(148, 8).Fill((byte)' ');
        header[156] = (byte)type;
        Encoding.Latin1.GetBytes(link).CopyTo(header.AsSpan(157));
        "ustar\000"u8.CopyTo(header.AsSpan(257));
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(value => value), 8).PadLeft(6, '0') + "\0 ").CopyTo(header.AsSpan(148));
        _parts.Add(header);
        if (content is not null)
        {
            _parts.Add([.. content, .. new byte[(512 - (content.Length % 512)) % 512]]);
        }

        return this;
    }

    public byte[] ToArray(bool complete = true) => [.. _parts.SelectMany(part => part), .. new byte[complete ? 1024 : 0]];
}
