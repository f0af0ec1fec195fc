using System.Formats.Tar;
using System.Text;

namespace BlackBox.Images;

/// <summary>
/// Applies the layers of an OCI image to a root file system (OCI image specification, "Image Layer Filesystem
/// Changeset"). Nothing is ever unpacked onto the host: entries exist in memory alone, and a path can only name something
/// in there.
/// </summary>
internal sealed class LayerReader(RootFilesystem root, ReadLimits limits)
{
    private const string WhiteoutPrefix = ".wh.";
    private const string OpaqueWhiteout = ".wh..wh..opq";

    private int _entries;
    private long _bytes;

    /// <summary>Bytes of files that may still come.</summary>
    public long BytesLeft => limits.Bytes - _bytes;

    /// <param name="archive">An uncompressed tar archive; must stay as it is for as long as the files are used.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="cancellation">Stops between two entries.</param>
    /// <exception cref="ImageRefusedException">Damaged or hostile.</exception>
    public void Apply(ContentSource archive, string name, CancellationToken cancellation)
    {
        try
        {
            var items = Read(archive, name, cancellation);

            // Whiteouts speak about the layers below alone, wherever in the archive they stand.
            foreach (var item in items.Where(item => IsWhiteout(item.Path)))
            {
                ApplyWhiteout(item.Path);
            }

            var own = new Dictionary<RootPath, TarEntryType>();
            foreach (var item in items.Where(item => !IsWhiteout(item.Path)))
            {
                Add(item, archive, own);
            }
        }
        catch (Exception error) when (error is InvalidDataException or FormatException or EndOfStreamException or ArgumentException or OverflowException or OutOfMemoryException
            or InvalidOperationException or NotSupportedException)
        {
            throw new ImageRefusedException(name, error is EndOfStreamException ? "the archive is cut off" : error.Message.TrimEnd('.'), error);
        }
    }

    private List<Item> Read(ContentSource archive, string name, CancellationToken cancellation)
    {
        var items = new List<Item>();
        using var stream = archive.Open();
        using var reader = new TarReader(stream);
        while (reader.GetNextEntry() is { } entry)
        {
            cancellation.ThrowIfCancellationRequested();
            if (entry.EntryType == TarEntryType.GlobalExtendedAttributes)
            {
                continue;
            }

            if (++_entries > limits.Entries)
            {
                throw new ImageRefusedException(name, $"the image has more than {limits.Entries} entries");
            }

            // Paths in an archive are relative; those that begin with a slash or leave the root are somebody's attack.
            if (entry.Name.StartsWith('/') || entry.Name.Contains('\uFFFD') || entry.LinkName.Contains('\uFFFD'))
            {
                throw new InvalidDataException($"'{Printable(entry.Name)}': {(entry.Name.StartsWith('/') ? "absolute paths are not allowed in a layer" : "the name is not UTF-8")}");
            }

            var isFile = IsFile(entry.EntryType);
            if (isFile)
            {
                if (entry.Length < 0 || entry.DataOffset < 0 || entry.Length > archive.Length - entry.DataOffset)
                {
                    throw new EndOfStreamException();
                }

                _bytes += entry.Length;
                if (_bytes > limits.Bytes)
                {
                    throw new ImageRefusedException(name, $"the image has more than {limits.Bytes >> 20} MiB");
                }
            }

            // Offset and length are only known while the entry is the reader's current one.
            items.Add(new Item(RootPath.Parse(entry.Name), entry, isFile ? entry.DataOffset : 0, isFile ? entry.Length : 0));
        }

        return items;
    }

    private void ApplyWhiteout(RootPath path)
    {
        var folder = Follow(path.Parent);
        if (path.Name == OpaqueWhiteout)
        {
            foreach (var child in root.Entries.Where(entry => !entry.Path.IsRoot && entry.Path.Parent == folder).Select(entry => entry.Path).ToList())
            {
                _ = root.Remove(child);
            }

            return;
        }

        var name = path.Name[WhiteoutPrefix.Length..];
        if (name.Length == 0 || name is "." or ".." || name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"'{path}' is not a proper whiteout");
        }

        _ = root.Remove(folder.Combine(name));
    }

    private void Add(Item item, ContentSource archive, Dictionary<RootPath, TarEntryType> own)
    {
        var path = item.Path.IsRoot ? item.Path : Follow(item.Path.Parent).Combine(item.Path.Name);
        var isFolder = item.Entry.EntryType == TarEntryType.Directory;
        if (!own.TryAdd(path, item.Entry.EntryType) && !(isFolder && own[path] == TarEntryType.Directory))
        {
            throw new InvalidDataException($"{path} occurs twice in one layer");
        }

        if (path.IsRoot && !isFolder)
        {
            throw new InvalidDataException("the root itself is no folder");
        }

        var entry = Convert(item, path, archive);
        if (root.TryGet(path, out var old) && old.Kind == RootEntryKind.Directory && !isFolder)
        {
            // What is below an old folder goes with it. If it came from this very layer, the layer contradicts itself.
            if (own.Keys.Any(other => other != path && other.IsWithin(path)))
            {
                throw new InvalidDataException($"{path} is a folder and something else in one layer");
            }

            _ = root.Remove(path);
        }

        root.Add(entry);
    }

    /// <summary>The folder that a path means, through symbolic links, which cannot leave the root.</summary>
    private RootPath Follow(RootPath folder)
    {
        if (root.TryGet(folder, out var there) && there.Kind == RootEntryKind.Directory)
        {
            return folder;
        }

        if (there is null && IsPlainlyMissing(folder))
        {
            return folder;
        }

        return root.Resolve(folder.Text) is { Kind: RootEntryKind.Directory } found
            ? found.Path
            : throw new InvalidDataException($"{folder} does not lead to a folder");
    }

    /// <summary>No link stands on the way: the folder can be made.</summary>
    private bool IsPlainlyMissing(RootPath folder)
    {
        for (var path = folder; !path.IsRoot; path = path.Parent)
        {
            if (root.TryGet(path, out var entry))
            {
                return entry.Kind == RootEntryKind.Directory;
            }
        }

        return true;
    }

    private RootEntry Convert(Item item, RootPath path, ContentSource archive)
    {
        var entry = item.Entry;
        var mode = (int)entry.Mode & 0xFFF;
        if (entry.EntryType == TarEntryType.HardLink)
        {
            var source = RootPath.Parse(entry.LinkName);
            source = source.IsRoot ? source : Follow(source.Parent).Combine(source.Name);
            return root.TryGet(source, out var original) && original.Kind is RootEntryKind.RegularFile or RootEntryKind.SymbolicLink
                ? original.At(path)
                : throw new InvalidDataException($"{path}: hard link to {source}, which is not there");
        }

        var result = entry.EntryType switch
        {
            TarEntryType.Directory => RootEntry.Directory(path, mode),
            TarEntryType.SymbolicLink => RootEntry.Link(path, entry.LinkName),
            TarEntryType.CharacterDevice => RootEntry.Device(path, false, Posix(entry).DeviceMajor, Posix(entry).DeviceMinor, mode),
            TarEntryType.BlockDevice => RootEntry.Device(path, true, Posix(entry).DeviceMajor, Posix(entry).DeviceMinor, mode),
            TarEntryType.Fifo => RootEntry.Pipe(path, mode),
            _ when IsFile(entry.EntryType) => RootEntry.File(path, new SliceContent(archive, item.Offset, item.Length), mode),
            _ => throw new InvalidDataException($"{path}: tar entries of type {entry.EntryType} are not supported"),
        };
        return entry.Uid < 0 || entry.Gid < 0
            ? throw new InvalidDataException($"{path}: its owner is out of range")
            : result with { UserId = entry.Uid, GroupId = entry.Gid };
    }

    private static PosixTarEntry Posix(TarEntry entry) =>
        entry as PosixTarEntry ?? throw new InvalidDataException($"{Printable(entry.Name)}: a device without a number");

    private static bool IsFile(TarEntryType type) => type is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile;

    private static bool IsWhiteout(RootPath path) => path.Name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal);

    private static string Printable(string text)
    {
        var builder = new StringBuilder();
        foreach (var letter in text.Take(200))
        {
            _ = builder.Append(char.IsControl(letter) ? '?' : letter);
        }

        return builder.ToString();
    }

    private sealed record Item(RootPath Path, TarEntry Entry, long Offset, long Length);
}
