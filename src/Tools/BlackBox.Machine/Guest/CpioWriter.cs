using System.Globalization;
using System.Text;
using BlackBox.Images;

namespace BlackBox.Guest;

/// <summary>
/// Writes a root file system as a "newc" cpio archive, the format of Linux's initramfs
/// (Documentation/driver-api/early-userspace/buffer-format.rst). Inode numbers, times and order are fixed: equal content
/// gives equal bytes. Archives may be concatenated; later files win.
/// </summary>
public static class CpioWriter
{
    private const int HeaderSize = 110;

    public static void Write(RootFilesystem root, Stream output)
    {
        ArgumentNullException.ThrowIfNull(root);
        var inode = 1u;
        foreach (var entry in root.Entries)
        {
            WriteEntry(entry, inode++, output);
        }

        WriteHeader(output, "TRAILER!!!", 0, 0, 0, 0, 0, 0, 0);
    }

    private static void WriteEntry(RootEntry entry, uint inode, Stream output)
    {
        var type = entry.Kind switch
        {
            RootEntryKind.Directory => 0x4000u,
            RootEntryKind.RegularFile => 0x8000u,
            RootEntryKind.SymbolicLink => 0xA000u,
            RootEntryKind.CharacterDevice => 0x2000u,
            RootEntryKind.BlockDevice => 0x6000u,
            _ => 0x1000u,
        };
        var link = entry.LinkTarget is null ? [] : Encoding.UTF8.GetBytes(entry.LinkTarget);
        var length = entry.Kind == RootEntryKind.SymbolicLink ? link.Length : entry.Length;
        if (length > uint.MaxValue)
        {
            throw new InvalidDataException($"{entry.Path} is larger than 4 GiB: too large for an initial RAM disk");
        }

        WriteHeader(output, entry.Path.Relative, inode, type | (uint)entry.Mode, (uint)entry.UserId, (uint)entry.GroupId,
            (uint)length, (uint)entry.DeviceMajor, (uint)entry.DeviceMinor);
        if (entry.Content is { } content)
        {
            using var stream = content.Open();
            stream.CopyTo(output);
        }

        output.Write(link);
        Pad(output, length);
    }

    private static void WriteHeader(
        Stream output, string name, uint inode, uint mode, uint user, uint group, uint length, uint major, uint minor)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var links = (mode & 0xF000) == 0x4000 ? 2 : 1;
        var header = string.Create(
            CultureInfo.InvariantCulture,
            $"070701{inode:X8}{mode:X8}{user:X8}{group:X8}{links:X8}{0:X8}{length:X8}{0:X8}{0:X8}{major:X8}{minor:X8}{bytes.Length + 1:X8}{0:X8}");
        output.Write(Encoding.ASCII.GetBytes(header));
        output.Write(bytes);
        output.WriteByte(0);
        Pad(output, HeaderSize + bytes.Length + 1);
    }

    private static void Pad(Stream output, long written) => output.Write(stackalloc byte[(int)(-written & 3)]);
}
