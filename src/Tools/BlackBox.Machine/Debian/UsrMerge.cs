using BlackBox.Images;

namespace BlackBox.Debian;

/// <summary>
/// Debian 12 has /bin, /lib and /sbin as links into /usr, while many of its packages still bring files under the old
/// names. Everything here works with the places behind the links.
/// </summary>
public static class UsrMerge
{
    private static readonly string[] Folders = ["bin", "sbin", "lib"];

    /// <summary>The place of a package's file in a merged tree.</summary>
    public static RootPath Relocate(RootPath path)
    {
        foreach (var folder in Folders)
        {
            if (path.IsWithin(RootPath.Parse(folder)))
            {
                return RootPath.Parse("/usr" + path.Text);
            }
        }

        return path;
    }

    /// <summary>The same files in their merged places. Folders and links that stand where the merged tree has its links are left out.</summary>
    public static RootFilesystem Apply(RootFilesystem root)
    {
        ArgumentNullException.ThrowIfNull(root);
        var result = new RootFilesystem();
        foreach (var entry in root.Entries)
        {
            if (!Folders.Contains(entry.Path.Relative))
            {
                result.Add(entry.At(Relocate(entry.Path)));
            }
        }

        return result;
    }

    /// <summary>Adds the three links, and the folders that they point to.</summary>
    public static void AddLinks(RootFilesystem root)
    {
        ArgumentNullException.ThrowIfNull(root);
        foreach (var folder in Folders)
        {
            if (!root.Contains(RootPath.Parse($"/usr/{folder}")))
            {
                root.Add(RootEntry.Directory(RootPath.Parse($"/usr/{folder}")));
            }

            root.Add(RootEntry.Link(RootPath.Parse(folder), $"usr/{folder}"));
        }
    }
}
