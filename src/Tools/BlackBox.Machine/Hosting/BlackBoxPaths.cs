namespace BlackBox.Hosting;

/// <summary>The folders the tools work in.</summary>
public static class BlackBoxPaths
{
    /// <summary>
    /// The cache: everything in it can be deleted and is made again. It is shared by all clones of the repository,
    /// so that a fresh clone does not download anything twice. BLACKBOX_CACHE names another place, else
    /// XDG_CACHE_HOME/blackbox, else ~/.cache/blackbox.
    /// </summary>
    public static string Cache { get; } = Path.GetFullPath(
        FromEnvironment("BLACKBOX_CACHE")
        ?? (FromEnvironment("XDG_CACHE_HOME") is { } xdg ? Path.Combine(xdg, "blackbox") : null)
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "blackbox"));

    /// <summary>The working tree of this repository: BLACKBOX_ROOT, which the launcher sets, else the folder above the program that holds the launcher.</summary>
    /// <exception cref="BlackBoxException">The program was moved out of its tree.</exception>
    public static string Repository => RepositoryOrNull
        ?? throw new BlackBoxException("the BlackBox source tree was not found", "start this program through ./blackbox, or set BLACKBOX_ROOT");

    /// <summary>As <see cref="Repository"/>, but null when there is none.</summary>
    public static string? RepositoryOrNull { get; } = FindRepository();

    /// <summary>Bare-metal images that the build leaves: artifacts/images in the repository.</summary>
    public static string Images => Path.Combine(Repository, "artifacts", "images");

    private static string? FindRepository()
    {
        if (FromEnvironment("BLACKBOX_ROOT") is { } root)
        {
            return Path.GetFullPath(root);
        }

        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "blackbox")) && File.Exists(Path.Combine(folder, "Directory.Packages.props")))
            {
                return folder;
            }
        }

        return null;
    }

    private static string? FromEnvironment(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
