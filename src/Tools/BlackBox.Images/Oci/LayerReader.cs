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

    /// <summary>Type flag of a folder.</summary>
    private const char Folder = '5';

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

            var own = new Dictionary<RootPath, char>();
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
        using var reader = new TarInput(archive);
        while (reader.Next() is { } entry)
        {
            cancellation.ThrowIfCancellationRequested();
            if (++_entries > limits.Entries)
            {
                throw new ImageRefusedException(name, $"the image has more than {limits.Entries} entries");
            }

            // Paths in an archive are relative; those that begin with a slash or leave the root are somebody's attack.
            if (entry.Name.StartsWith('/'))
            {
                throw new InvalidDataException($"'{TarInput.Printable(entry.Name)}': absolute paths are not allowed in a layer");
            }

            if (entry.Length > limits.Bytes - _bytes)
            {
                throw new ImageRefusedException(name, $"the image has more than {limits.Bytes >> 20} MiB");
            }

            _bytes += entry.Length;
            items.Add(new Item(RootPath.Parse(entry.Name), entry));
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

    private void Add(Item item, ContentSource archive, Dictionary<RootPath, char> own)
    {
        var path = item.Path.IsRoot ? item.Path : Follow(item.Path.Parent).Combine(item.Path.Name);
        var isFolder = item.Entry.Type == Folder;
        if (!own.TryAdd(path, item.Entry.Type) && !(isFolder && own[path] == Folder))
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
        if (entry.Type == '1')
        {
            var source = RootPath.Parse(entry.Link);
            source = source.IsRoot ? source : Follow(source.Parent).Combine(source.Name);
            return root.TryGet(source, out var original) && original.Kind is RootEntryKind.RegularFile or RootEntryKind.SymbolicLink
                ? original.At(path)
                : throw new InvalidDataException($"{path}: hard link to {source}, which is not there");
        }

        var result = entry.Type switch
        {
            Folder => RootEntry.Directory(path, entry.Mode),
            '2' => RootEntry.Link(path, entry.Link),
            '3' or '4' => RootEntry.Device(path, entry.Type == '4', entry.Major, entry.Minor, entry.Mode),
            '6' => RootEntry.Pipe(path, entry.Mode),
            _ => RootEntry.File(path, Content(entry, archive), entry.Mode),
        };
        return result with { UserId = entry.UserId, GroupId = entry.GroupId };
    }

    private static ContentSource Content(TarItem entry, ContentSource archive) => entry.Segments switch
    {
        [] when entry.Length == 0 => ContentSource.FromBytes(default),
        [var only] when only.Length == entry.Length => new SliceContent(archive, only.Position, only.Length),
        _ => new SparseContent(archive, entry.Length, entry.Segments),
    };

    private static bool IsWhiteout(RootPath path) => path.Name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal);

    private sealed record Item(RootPath Path, TarItem Entry);
}
