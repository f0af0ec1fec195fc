namespace BlackBox.Images;

/// <summary>The paths of an image that are not the image's own: what container engines mount, and what the container writes.</summary>
public static class OutsidePaths
{
    /// <summary>Container engines mount over these before the first instruction of a container runs.</summary>
    public static IReadOnlyList<string> DefaultClear { get; } = ["/dev", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/sys"];

    /// <summary>Where programs expect to be allowed to write.</summary>
    public static IReadOnlyList<string> DefaultWritable { get; } = ["/run", "/tmp", "/var/tmp"];

    private static readonly string[] EngineFiles = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

    /// <summary>Canonical form of declared paths, sorted; none lies within another.</summary>
    /// <exception cref="ImageRefusedException">A path is the root, or goes through something that is no folder.</exception>
    public static IReadOnlyList<string> Canonicalize(RootFilesystem root, IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(root);
        var canonical = paths.Select(path => Follow(root, path)).Distinct().Order().ToList();
        return [.. canonical.Where(path => !canonical.Any(other => other != path && path.IsWithin(other))).Select(path => path.Text)];
    }

    /// <summary>
    /// The root with a folder or an empty file at every declared path and a folder to start in, so that engines have something to mount over
    /// and directories name them (docker does the same when it starts a container).
    /// </summary>
    public static RootFilesystem Complete(RootFilesystem root, ImagePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(policy);
        var result = new RootFilesystem();
        result.Merge(root);
        foreach (var path in policy.WritablePaths.Concat(policy.ClearPaths).Append(policy.WorkingDirectory))
        {
            if (result.Resolve(path) is null && RootPath.Parse(path) is var place && !result.Contains(place))
            {
                result.Add(EngineFiles.Contains(path) ? RootEntry.File(place, ContentSource.FromText(""))
                    : RootEntry.Directory(place, path is "/tmp" or "/var/tmp" ? 0x3FF : 0x1ED));
            }
        }

        return result;
    }

    private static RootPath Follow(RootFilesystem root, string path, int links = 0)
    {
        RootPath place;
        try
        {
            place = RootPath.Parse(path);
        }
        catch (InvalidDataException error)
        {
            throw new ImageRefusedException(path, error.Message, error);
        }

        if (!path.StartsWith('/') || place.IsRoot)
        {
            throw new ImageRefusedException(path, "a writable or clear path is absolute and not the root");
        }

        if (root.Resolve(path) is { } found)
        {
            return found.Path.IsRoot ? throw new ImageRefusedException(path, "it leads to the root") : found.Path;
        }

        var parent = place.Parent.IsRoot ? RootPath.Root : Follow(root, place.Parent.Text, links);
        if (root[parent.Combine(place.Name)] is { LinkTarget: { } target })
        {
            // A link to what is not there yet.
            return links < 40 ? Follow(root, target.StartsWith('/') ? target : $"{parent}/{target}", links + 1)
                : throw new ImageRefusedException(path, "symbolic links go round in circles");
        }

        return root.TryGet(parent, out var above) && above.Kind != RootEntryKind.Directory
            ? throw new ImageRefusedException(path, $"{parent} is no folder")
            : parent.Combine(place.Name);
    }
}
