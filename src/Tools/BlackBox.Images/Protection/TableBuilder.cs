namespace BlackBox.Images;

/// <summary>An entry of the table before its content is looked at.</summary>
/// <param name="Entry">The file.</param>
/// <param name="Flags">What it is.</param>
/// <param name="PathHash">SHA-256 of its path: the order of the table.</param>
internal sealed record TableEntry(RootEntry Entry, FileFlags Flags, byte[] PathHash);

/// <summary>Chooses what the table lists: everything that is not outside, and the names in every listed directory.</summary>
internal sealed class TableBuilder
{
    // Container runtimes read these for the user's name, group and home.
    private static readonly string[] RuntimeFiles = ["/etc/passwd", "/etc/group"];

    private readonly RootFilesystem _root;
    private readonly ImagePolicy _policy;
    private readonly EncryptionScope _scope;
    private readonly Dictionary<RootPath, int> _numbers = [];
    private readonly Dictionary<RootPath, List<DirectoryName>> _names = [];

    public TableBuilder(RootFilesystem root, ImagePolicy policy, EncryptionScope scope)
    {
        _root = root;
        _policy = policy;
        _scope = scope;
        Entries = Choose();
        CollectNames();
    }

    /// <summary>What is listed, in the table's order.</summary>
    public IReadOnlyList<TableEntry> Entries { get; }

    /// <summary>The record of an entry as far as it is known without its content.</summary>
    public FileRecord Describe(TableEntry item, long tagsOffset)
    {
        var entry = item.Entry;
        var record = new FileRecord
        {
            PathHash = item.PathHash,
            Flags = item.Flags,
            UserId = entry.UserId,
            GroupId = entry.GroupId,
        };
        return entry.Kind switch
        {
            RootEntryKind.SymbolicLink => record with { Mode = 0xA1FF, LinkTarget = entry.LinkTarget },
            RootEntryKind.Directory => record with { Mode = 0x4000 | entry.Mode, Names = _names.GetValueOrDefault(entry.Path) ?? [] },
            _ => record with { Mode = 0x8000 | entry.Mode, Size = entry.Length, TagsOffset = tagsOffset },
        };
    }

    private List<TableEntry> Choose()
    {
        var outside = _policy.WritablePaths.Concat(_policy.ClearPaths).Select(RootPath.Parse).ToList();
        var chosen = new List<TableEntry>();
        foreach (var entry in _root.Entries.Where(entry => !outside.Any(entry.Path.IsWithin)))
        {
            chosen.Add(new TableEntry(entry, FlagsOf(entry), ImageFormat.HashPath(entry.Path)));
        }

        if (chosen.Count > ImageFormat.MaximumRecords)
        {
            throw new ImageRefusedException("the image", $"it has {chosen.Count} files and folders to list, the format takes {ImageFormat.MaximumRecords}");
        }

        chosen.Sort((a, b) => a.PathHash.AsSpan().SequenceCompareTo(b.PathHash));
        for (var i = 0; i < chosen.Count; i++)
        {
            _numbers.Add(chosen[i].Entry.Path, i);
        }

        return chosen;
    }

    private void CollectNames()
    {
        foreach (var entry in _root.Entries.Where(entry => !entry.Path.IsRoot && _numbers.ContainsKey(entry.Path.Parent)))
        {
            if (!_names.TryGetValue(entry.Path.Parent, out var list))
            {
                _names.Add(entry.Path.Parent, list = []);
            }

            list.Add(new DirectoryName(entry.Path.Name, DirectoryName.TypeOf(entry.Kind), _numbers.GetValueOrDefault(entry.Path, -1)));
        }

        foreach (var list in _names.Values)
        {
            list.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        }
    }

    private FileFlags FlagsOf(RootEntry entry) => entry.Kind switch
    {
        RootEntryKind.SymbolicLink => FileFlags.SymbolicLink,
        RootEntryKind.Directory => FileFlags.Directory,
        RootEntryKind.RegularFile => FlagsOfFile(entry),
        _ => throw new ImageRefusedException(entry.Path.Text, "devices and pipes can stand below a clear or writable path alone"),
    };

    private FileFlags FlagsOfFile(RootEntry entry) => entry.Length > ImageFormat.MaximumFile
        ? throw new ImageRefusedException(entry.Path.Text, $"the file is larger than {ImageFormat.MaximumFile >> 20} MiB")
        : FileKinds.Of(entry) switch
        {
            FileKind.Code => FileFlags.Protected | FileFlags.Code,
            FileKind.Script => FileFlags.Protected | FileFlags.Script,
            FileKind.ProtectedCode => throw new ImageRefusedException(entry.Path.Text, "the file is protected code of another image"),
            _ when _scope == EncryptionScope.Elf || RuntimeFiles.Contains(entry.Path.Text) => FileFlags.None,
            _ => FileFlags.Protected,
        };
}
