using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>An image that was read from the host. Its files may live in a temporary folder that goes when this is disposed.</summary>
public sealed class OpenedImage : IDisposable
{
    private readonly string _scratch;

    internal OpenedImage(ImageContent content, string scratch)
    {
        Content = content;
        _scratch = scratch;
    }

    public ImageContent Content { get; }

    /// <summary>
    /// Takes an OCI layout (a folder with oci-layout), an OCI or docker archive (tar, perhaps compressed by gzip or zstd), or
    /// a folder with a root file system.
    /// </summary>
    /// <param name="path">The folder or the archive.</param>
    /// <param name="reference">Which image of several, by its name or tag; null when there is one.</param>
    /// <param name="keepOwners">Of a root file system folder: owners and groups are those of the host's files, not 0:0.</param>
    /// <param name="limits">When an archive is too large.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="BlackBoxException">There is no such file, or it is not an image that can be used here.</exception>
    public static OpenedImage Open(
        string path, string? reference = null, bool keepOwners = false, ReadLimits? limits = null, IProgress<StepUpdate>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = Path.GetFullPath(path).TrimEnd('/');
        limits ??= new ReadLimits();
        var scratch = Directory.CreateTempSubdirectory("blackbox-image-").FullName;
        try
        {
            return new OpenedImage(Read(path, reference, keepOwners, limits, scratch, progress ?? NoProgress.Instance, cancellation), scratch);
        }
        catch
        {
            Directory.Delete(scratch, recursive: true);
            throw;
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(_scratch))
        {
            Directory.Delete(_scratch, recursive: true);
        }
    }

    private static ImageContent Read(
        string path, string? reference, bool keepOwners, ReadLimits limits, string scratch, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        var name = NameOf(path);
        if (Directory.Exists(path))
        {
            return File.Exists(Path.Combine(path, "oci-layout"))
                ? new OciReader(new HostBlobFolder(path), limits, scratch, progress, cancellation).ReadLayout(name, reference)
                : new ImageContent(RootFilesystemFolder.Read(path, keepOwners), new ImageConfiguration { Name = name, Entrypoint = [], Protection = OciReader.DefaultRules });
        }

        if (!File.Exists(path))
        {
            throw new BlackBoxException($"there is no image {path}");
        }

        var archive = new RootFilesystem();
        progress.Report(new StepUpdate(OciReader.Step, double.NaN, Path.GetFileName(path)));
        var whole = Compression.Open(ContentSource.FromFile(path), Path.GetFileName(path), scratch, limits.Bytes, cancellation).Content;
        new LayerReader(archive, limits).Apply(whole, Path.GetFileName(path), cancellation);
        var reader = new OciReader(new ArchiveBlobFolder(archive), limits, scratch, progress, cancellation);
        return archive.Contains(RootPath.Parse("index.json")) && archive.Contains(RootPath.Parse("oci-layout")) ? reader.ReadLayout(name, reference)
            : archive.Contains(RootPath.Parse("manifest.json")) ? reader.ReadDockerArchive(name, reference)
            : throw new ImageRefusedException(Path.GetFileName(path), "it is neither an OCI nor a docker archive (no index.json and no manifest.json in it)");
    }

    /// <summary>A short name from a file name: what is before the first dot.</summary>
    private static string NameOf(string path)
    {
        var letters = Path.GetFileName(path).Split('.')[0].ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-').ToArray();
        var name = new string(letters).Trim('-');
        return name.Length >= 2 ? name : "image";
    }
}
