using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Debian;

/// <summary>Content of downloaded packages, kept as uncompressed archives in the cache so that files can be read in place.</summary>
public static class PackagePool
{
    /// <summary>The files of one package in a usr-merged tree. No maintainer script is run.</summary>
    /// <param name="cache">The cache folder.</param>
    /// <param name="package">A .deb file.</param>
    /// <exception cref="BlackBoxException">The package is damaged.</exception>
    public static async Task<RootFilesystem> ReadAsync(string cache, string package, CancellationToken cancellation)
    {
        var archive = Path.Combine(cache, "pool", Path.GetFileNameWithoutExtension(package) + ".tar");
        if (!File.Exists(archive))
        {
            await AtomicOutput.WriteFileByNameAsync(archive, temporary =>
                ExternalProcess.RunCheckedAsync(
                    "/bin/sh", ["-c", "dpkg-deb --fsys-tarfile \"$1\" > \"$2\"", "sh", package, temporary], cancellation)).ConfigureAwait(false);
        }

        return RootFilesystemTar.Read(archive, path => UsrMerge.Relocate(path));
    }

    /// <summary>All the packages laid over each other, in order.</summary>
    public static async Task<RootFilesystem> ReadAllAsync(string cache, IEnumerable<string> packages, CancellationToken cancellation)
    {
        var root = new RootFilesystem();
        UsrMerge.AddLinks(root);
        foreach (var package in packages)
        {
            root.Merge(await ReadAsync(cache, package, cancellation).ConfigureAwait(false));
        }

        return root;
    }
}
