namespace BlackBox.Building;

/// <summary>Copies of the sources for builds elsewhere, which go away with the run; what a killed run left, the next one removes.</summary>
internal sealed class SourceCopy : IDisposable
{
    private const string Prefix = "check-";

    private readonly string _folder;

    /// <param name="parent">Folder in which the copies' folder is made.</param>
    public SourceCopy(string parent)
    {
        Directory.CreateDirectory(parent);
        RemoveStale(parent);
        _folder = Path.Combine(parent, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}");
        Directory.CreateDirectory(_folder);
    }

    /// <summary>Copies files and folders of a tree, but for what builds leave in them.</summary>
    /// <param name="source">The tree.</param>
    /// <param name="inputs">What of it, relative; what does not exist is left out.</param>
    /// <param name="name">Path of the copy below this folder.</param>
    /// <param name="time">Time of last change that all files get; null: now.</param>
    /// <param name="isReversed">The last file is made first, so that folders list their files in another order.</param>
    /// <returns>The copy's root.</returns>
    public string Add(string source, IEnumerable<string> inputs, string name, DateTime? time, bool isReversed, CancellationToken cancellation)
    {
        var root = Path.Combine(_folder, name);
        var files = inputs.SelectMany(input => Files(source, input)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (isReversed)
        {
            files.Reverse();
        }

        foreach (var file in files)
        {
            cancellation.ThrowIfCancellationRequested();
            var target = Path.Combine(root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(source, file), target);
            if (time is { } stamp)
            {
                File.SetLastWriteTimeUtc(target, stamp);
            }
        }

        return root;
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static IEnumerable<string> Files(string source, string input)
    {
        var path = Path.Combine(source, input);
        return Directory.Exists(path)
            ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(source, file))
                .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            : File.Exists(path) ? [input] : [];
    }

    private static void RemoveStale(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            var owner = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (int.TryParse(owner, out _) && !Directory.Exists($"/proc/{owner}"))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
