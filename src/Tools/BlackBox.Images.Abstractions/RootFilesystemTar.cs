using System.Formats.Tar;

namespace BlackBox.Images;

/// <summary>Root file systems from and to tar archives (pax, GNU and ustar are read; pax is written).</summary>
public static class RootFilesystemTar
{
    /// <summary>
    /// Reads an uncompressed archive. File contents stay in <paramref name="archive"/>, which must not change afterwards.
    /// </summary>
    /// <param name="archive">A file of the host.</param>
    /// <param name="relocate">Gives entries another path, or null to leave one out.</param>
    /// <exception cref="InvalidDataException">The archive is damaged or holds paths that leave the root.</exception>
    public static RootFilesystem Read(string archive, Func<RootPath, RootPath?>? relocate = null)
    {
        var result = new RootFilesystem();
        ReadInto(result, archive, relocate);
        return result;
    }

    /// <inheritdoc cref="Read"/>
    /// <summary>As <see cref="Read"/>, but adds to what is there.</summary>
    public static void ReadInto(RootFilesystem target, string archive, Func<RootPath, RootPath?>? relocate = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        using var file = new FileStream(archive, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        using var reader = new TarReader(file);
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.EntryType is TarEntryType.GlobalExtendedAttributes)
            {
                continue;
            }

            var path = RootPath.Parse(entry.Name);
            if (relocate is not null)
            {
                if (relocate(path) is not { } moved)
                {
                    continue;
                }

                path = moved;
            }

            // An archive names a folder that is a link elsewhere (usr-merge): the link stays, the content goes behind it.
            if (entry.EntryType == TarEntryType.Directory && target.TryGet(path, out var there) && there.Kind == RootEntryKind.SymbolicLink)
            {
                continue;
            }

            target.Add(Convert(entry, path, archive, target, relocate));
        }
    }

    /// <summary>Writes everything in order, with a fixed time stamp, so that equal content gives equal archives.</summary>
    public static void Write(RootFilesystem root, Stream output, DateTimeOffset? timeStamp = null)
    {
        ArgumentNullException.ThrowIfNull(root);
        using var writer = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true);
        foreach (var entry in root.Entries.Where(entry => !entry.Path.IsRoot))
        {
            var name = entry.Path.Relative + (entry.Kind == RootEntryKind.Directory ? "/" : "");
            var item = new PaxTarEntry(TypeOf(entry.Kind), name)
            {
                Mode = (UnixFileMode)entry.Mode,
                Uid = entry.UserId,
                Gid = entry.GroupId,
                ModificationTime = timeStamp ?? DateTimeOffset.UnixEpoch,
            };
            if (entry.LinkTarget is not null)
            {
                item.LinkName = entry.LinkTarget;
            }

            if (entry.Kind is RootEntryKind.CharacterDevice or RootEntryKind.BlockDevice)
            {
                (item.DeviceMajor, item.DeviceMinor) = (entry.DeviceMajor, entry.DeviceMinor);
            }

            using var content = entry.Content?.Open();
            if (content is not null)
            {
                item.DataStream = content;
            }

            writer.WriteEntry(item);
        }
    }

    private static RootEntry Convert(TarEntry entry, RootPath path, string archive, RootFilesystem target, Func<RootPath, RootPath?>? relocate)
    {
        var mode = (int)entry.Mode & 0xFFF;
        var result = entry.EntryType switch
        {
            TarEntryType.Directory => RootEntry.Directory(path, mode),
            TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => RootEntry.File(path, ContentOf(entry, archive), mode),
            TarEntryType.SymbolicLink => RootEntry.Link(path, entry.LinkName),
            TarEntryType.HardLink => HardLink(entry, path, target, relocate),
            TarEntryType.CharacterDevice => RootEntry.Device(path, false, Posix(entry).DeviceMajor, Posix(entry).DeviceMinor, mode),
            TarEntryType.BlockDevice => RootEntry.Device(path, true, Posix(entry).DeviceMajor, Posix(entry).DeviceMinor, mode),
            TarEntryType.Fifo => RootEntry.Pipe(path, mode),
            _ => throw new InvalidDataException($"{path}: tar entries of type {entry.EntryType} are not supported"),
        };
        return entry.EntryType == TarEntryType.HardLink ? result : result with { UserId = entry.Uid, GroupId = entry.Gid };
    }

    private static PosixTarEntry Posix(TarEntry entry) =>
        entry as PosixTarEntry ?? throw new InvalidDataException($"{entry.Name}: a device without a number");

    private static ContentSource ContentOf(TarEntry entry, string archive) => entry.Length == 0
        ? ContentSource.FromBytes(default)
        : ContentSource.FromFile(archive, entry.DataOffset, entry.Length);

    private static RootEntry HardLink(TarEntry entry, RootPath path, RootFilesystem target, Func<RootPath, RootPath?>? relocate)
    {
        var source = RootPath.Parse(entry.LinkName);
        source = relocate is null ? source : relocate(source) ?? source;
        return target.TryGet(source, out var original) && original.Kind == RootEntryKind.RegularFile
            ? original.At(path)
            : throw new InvalidDataException($"{path}: hard link to {source}, which is not in the archive before it");
    }

    private static TarEntryType TypeOf(RootEntryKind kind) => kind switch
    {
        RootEntryKind.Directory => TarEntryType.Directory,
        RootEntryKind.RegularFile => TarEntryType.RegularFile,
        RootEntryKind.SymbolicLink => TarEntryType.SymbolicLink,
        RootEntryKind.CharacterDevice => TarEntryType.CharacterDevice,
        RootEntryKind.BlockDevice => TarEntryType.BlockDevice,
        _ => TarEntryType.Fifo,
    };
}
