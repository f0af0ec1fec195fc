using System.Diagnostics.CodeAnalysis;

namespace BlackBox.Images;

/// <summary>
/// A root file system as a list of entries in a fixed order: every folder before its content, names in ordinal order.
/// The same content therefore always gives the same archive.
/// </summary>
public sealed class RootFilesystem
{
    private readonly SortedDictionary<RootPath, RootEntry> _entries = [];

    public RootFilesystem() => _entries[RootPath.Root] = RootEntry.Directory(RootPath.Root);

    /// <summary>All entries in order; the first is the root folder itself.</summary>
    public IReadOnlyCollection<RootEntry> Entries => _entries.Values;

    public RootEntry? this[RootPath path] => _entries.GetValueOrDefault(path);

    public RootEntry? this[string path] => this[RootPath.Parse(path)];

    /// <summary>Bytes of all regular files together.</summary>
    public long TotalLength => _entries.Values.Sum(entry => entry.Length);

    public bool Contains(RootPath path) => _entries.ContainsKey(path);

    public bool TryGet(RootPath path, [NotNullWhen(true)] out RootEntry? entry) => _entries.TryGetValue(path, out entry);

    /// <summary>
    /// Adds an entry, or puts it in place of the one that has its path. Missing folders above it are made
    /// (mode 0755, owner 0:0).
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// Something above it is no folder, or a folder that is not empty would be replaced by something else.
    /// </exception>
    public void Add(RootEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Kind != RootEntryKind.Directory &&
            _entries.TryGetValue(entry.Path, out var old) && old.Kind == RootEntryKind.Directory && (entry.Path.IsRoot || HasContent(entry.Path)))
        {
            throw new InvalidDataException($"{entry.Path}: a folder that is not empty cannot be replaced by a file");
        }

        AddParents(entry.Path);
        _entries[entry.Path] = entry;
    }

    /// <summary>Takes away an entry and, of a folder, all that is below it. False when there was none.</summary>
    public bool Remove(RootPath path)
    {
        if (path.IsRoot)
        {
            throw new InvalidOperationException("the root folder cannot be removed");
        }

        var gone = _entries.Keys.Where(key => key.IsWithin(path)).ToList();
        gone.ForEach(key => _entries.Remove(key));
        return gone.Count > 0;
    }

    /// <summary>Adds everything of <paramref name="other"/>, which wins where both have a path.</summary>
    public void Merge(RootFilesystem other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var entry in other.Entries)
        {
            Add(entry);
        }
    }

    /// <summary>
    /// Follows symbolic links in every component of a path, as Linux does from inside the root
    /// (absolute targets and ".." stay inside).
    /// </summary>
    /// <returns>The entry, or null when it does not exist or links go round in circles (more than 40, as in Linux).</returns>
    public RootEntry? Resolve(string path) => Walk(path, followLast: true, []);

    /// <summary>As <see cref="Resolve(string)"/>, and names every symbolic link that was passed on the way.</summary>
    public RootEntry? Resolve(string path, ICollection<RootEntry> links) => Walk(path, followLast: true, links);

    private RootEntry? Walk(string path, bool followLast, ICollection<RootEntry> links)
    {
        var pending = new LinkedList<string>(Split(path));
        var here = RootPath.Root;
        var budget = 40;
        while (pending.First is { } node)
        {
            pending.RemoveFirst();
            if (node.Value == "..")
            {
                here = here.Parent;
                continue;
            }

            if (!_entries.TryGetValue(here.Combine(node.Value), out var entry))
            {
                return null;
            }

            if (entry.Kind != RootEntryKind.SymbolicLink || (pending.Count == 0 && !followLast))
            {
                here = entry.Path;
                continue;
            }

            if (budget-- == 0)
            {
                return null;
            }

            links.Add(entry);
            if (entry.LinkTarget!.StartsWith('/'))
            {
                here = RootPath.Root;
            }

            foreach (var component in Split(entry.LinkTarget).Reverse())
            {
                pending.AddFirst(component);
            }
        }

        return _entries[here];
    }

    private static IEnumerable<string> Split(string path) =>
        path.Split('/').Where(component => component.Length > 0 && component != ".");

    private void AddParents(RootPath path)
    {
        for (var parent = path.Parent; !path.IsRoot; path = parent, parent = path.Parent)
        {
            if (_entries.TryGetValue(parent, out var entry))
            {
                if (entry.Kind != RootEntryKind.Directory)
                {
                    throw new InvalidDataException($"{path}: {parent} is not a folder");
                }

                return;
            }

            _entries[parent] = RootEntry.Directory(parent);
        }
    }

    private bool HasContent(RootPath folder) => _entries.Keys.Any(key => key != folder && key.IsWithin(folder));
}
