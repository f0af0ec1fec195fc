using System.Globalization;
using System.Security.Cryptography;
using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>Reads one image out of an OCI layout or a docker archive. Every byte that is used is checked against its digest.</summary>
internal sealed class OciReader(BlobFolder files, ReadLimits limits, string scratch, IProgress<StepUpdate> progress, CancellationToken cancellation)
{
    public const string Step = "Reading the image";

    private const string Architecture = "arm64";
    private const string OperatingSystem = "linux";
    private const int MaximumNesting = 4;

    /// <summary>An image that does not say otherwise is run as it was built: fixed arguments, fixed environment.</summary>
    public static ProtectionRules DefaultRules { get; } = new(FreedomRule.Fixed, FreedomRule.Fixed);

    /// <exception cref="ImageRefusedException">Damaged, for another machine, or none or several images fit.</exception>
    public ImageContent ReadLayout(string name, string? reference)
    {
        var candidates = new List<(OciDescriptor Descriptor, string? Name)>();
        Collect(files.ReadJson<OciIndex>("index.json"), null, candidates, 0);
        if (candidates.Count == 0)
        {
            throw new ImageRefusedException("index.json", $"there is no image for {OperatingSystem}/{Architecture} in it");
        }

        var fitting = reference is null ? candidates : [.. candidates.Where(item => Fits(item.Name, reference))];
        if (fitting.Select(item => item.Descriptor.Digest).Distinct().Count() != 1)
        {
            throw Ambiguous("index.json", reference, candidates.Select(item => item.Name ?? item.Descriptor.Digest!));
        }

        var manifest = files.ReadJson<OciManifest>(fitting[0].Descriptor, "image manifest");
        CheckType(manifest.MediaType is null or OciMedia.Manifest or OciMedia.DockerManifest, "image manifest", manifest.MediaType);
        CheckType(OciMedia.IsConfig(manifest.Config?.MediaType), "image configuration", manifest.Config?.MediaType);
        var image = files.ReadJson<OciImage>(manifest.Config, "image configuration");
        CheckMachine(image);
        var layers = BlobFolder.Checked(manifest.Layers, "image manifest");
        var diffIds = BlobFolder.Checked(image.Root?.DiffIds, "image configuration");
        CheckLayers(layers.Count, diffIds.Count);
        var root = new RootFilesystem();
        var reader = new LayerReader(root, limits);
        for (var i = 0; i < layers.Count; i++)
        {
            CheckType(OciMedia.IsLayer(layers[i]?.MediaType), "layer", layers[i]?.MediaType);
            var (content, path) = files.Open(layers[i], "layer");
            if (HashOf(content) != BlobFolder.DigestOf(layers[i], "layer"))
            {
                throw new ImageRefusedException(path, "its content does not fit its digest");
            }

            Apply(reader, content, path, diffIds[i]);
            Report(i + 1, layers.Count);
        }

        return new ImageContent(root, Configure(image, root, fitting[0].Name is { } given && ShortName(given) is { } known ? known : name));
    }

    /// <summary>manifest.json of docker save.</summary>
    /// <inheritdoc cref="ReadLayout"/>
    public ImageContent ReadDockerArchive(string name, string? reference)
    {
        var items = BlobFolder.Checked(files.ReadJson<List<DockerArchiveItem>>("manifest.json"), "manifest.json");
        IReadOnlyList<DockerArchiveItem> fitting = reference is null ? items : [.. items.Where(item => item.RepoTags?.Any(tag => Fits(tag, reference)) == true)];
        if (fitting.Count != 1)
        {
            throw Ambiguous("manifest.json", reference, items.SelectMany(item => item.RepoTags ?? ["(no name)"]));
        }

        var chosen = fitting[0];
        var image = files.ReadJson<OciImage>(chosen.Config ?? throw new ImageRefusedException("manifest.json", "it names no configuration"));
        CheckMachine(image);
        var layers = BlobFolder.Checked(chosen.Layers, "manifest.json");
        var diffIds = BlobFolder.Checked(image.Root?.DiffIds, "image configuration");
        CheckLayers(layers.Count, diffIds.Count);
        var root = new RootFilesystem();
        var reader = new LayerReader(root, limits);
        for (var i = 0; i < layers.Count; i++)
        {
            Apply(reader, files.Find(layers[i]) ?? throw new ImageRefusedException(layers[i], "the layer is missing"), layers[i], diffIds[i]);
            Report(i + 1, layers.Count);
        }

        return new ImageContent(root, Configure(image, root, chosen.RepoTags is [{ } tag, ..] && ShortName(tag) is { } known ? known : name));
    }

    private void Apply(LayerReader reader, ContentSource layer, string name, string diffId)
    {
        var (content, digest) = Compression.Open(layer, name, scratch, reader.BytesLeft + (64L << 20), cancellation);
        if (digest != BlobFolder.CheckDigest(diffId, "diff_ids of the image configuration"))
        {
            throw new ImageRefusedException(name, "its uncompressed content does not fit the image configuration's digest");
        }

        reader.Apply(content, name, cancellation);
    }

    /// <summary>Manifests for our machine, also in nested indexes (images for several machines).</summary>
    private void Collect(OciIndex index, string? name, List<(OciDescriptor, string?)> found, int depth)
    {
        if (depth > MaximumNesting)
        {
            throw new ImageRefusedException("index.json", "indexes are nested too deeply");
        }

        CheckType(index.MediaType is null or OciMedia.Index or OciMedia.DockerIndex, "image index", index.MediaType);
        foreach (var item in BlobFolder.Checked(index.Manifests, "image index"))
        {
            var own = item.Annotations?.GetValueOrDefault(OciMedia.DockerName) ?? item.Annotations?.GetValueOrDefault(OciMedia.ReferenceName) ?? name;
            if (item.MediaType is OciMedia.Index or OciMedia.DockerIndex)
            {
                Collect(files.ReadJson<OciIndex>(item, "image index"), own, found, depth + 1);
            }
            else if (item.MediaType is OciMedia.Manifest or OciMedia.DockerManifest && item.Platform is null or { Architecture: Architecture, System: OperatingSystem })
            {
                found.Add((item, own));
            }
        }
    }

    private static string HashOf(ContentSource content)
    {
        using var stream = content.Open();
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static void CheckMachine(OciImage image)
    {
        if (image.Architecture != Architecture || image.System != OperatingSystem)
        {
            throw new ImageRefusedException("image configuration", $"the image is for {image.System}/{image.Architecture}, BlackBox runs {OperatingSystem}/{Architecture}");
        }
    }

    private static void CheckType(bool isKnown, string what, string? type)
    {
        if (!isKnown)
        {
            throw new ImageRefusedException(what, type is null ? "its media type is missing" : $"its media type is {type}, which is none of a container image's");
        }
    }

    private void CheckLayers(int layers, int diffIds)
    {
        if (layers != diffIds || layers == 0 || layers > limits.Layers)
        {
            throw new ImageRefusedException("image configuration", $"it speaks of {diffIds} layers, the image has {layers}");
        }
    }

    private static ImageConfiguration Configure(OciImage image, RootFilesystem root, string name)
    {
        var config = image.Config;
        var (user, group) = UserFile.Parse(root, config?.User ?? "");
        var environment = BlobFolder.Checked(config?.Env, "image configuration");
        var folder = string.IsNullOrEmpty(config?.WorkingDir) ? "/" : config.WorkingDir;
        if (environment.Any(item => item.IndexOf('=') <= 0 || item.Contains('\0')) || !folder.StartsWith('/'))
        {
            throw new ImageRefusedException("image configuration", "its environment or working directory is not valid");
        }

        return new ImageConfiguration
        {
            Name = name,
            Entrypoint = BlobFolder.Checked(config?.Entrypoint, "image configuration"),
            Command = BlobFolder.Checked(config?.Cmd, "image configuration"),
            Environment = environment,
            WorkingDirectory = folder,
            UserId = user,
            GroupId = group,
            Ports = [.. (config?.ExposedPorts?.Keys ?? Enumerable.Empty<string>()).Select(PortOf).OfType<int>()],
            Labels = (config?.Labels ?? []).ToDictionary(pair => pair.Key, pair => pair.Value ?? ""),
            Protection = DefaultRules with { WritablePaths = [.. config?.Volumes?.Keys ?? Enumerable.Empty<string>()] },
        };
    }

    private static int? PortOf(string text) => !text.EndsWith("/udp", StringComparison.Ordinal)
        && int.TryParse(text.Split('/')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? port : null;

    private static bool Fits(string? name, string reference) => name is not null
        && (name == reference || name.EndsWith("/" + reference, StringComparison.Ordinal)
            || name.Split(':')[0] == reference || name.Split(':')[0].EndsWith("/" + reference, StringComparison.Ordinal));

    /// <summary>"docker.io/library/redis:7" is redis; a bare tag like "latest" or "1.0" is no name.</summary>
    private static string? ShortName(string reference)
    {
        if (!reference.Contains(':') && !reference.Contains('/'))
        {
            return null;
        }

        var name = reference.Split('/')[^1].Split(':', '@')[0];
        return name.Length >= 2 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.') ? name : null;
    }

    private static ImageRefusedException Ambiguous(string file, string? reference, IEnumerable<string> names) =>
        new(file, $"{(reference is null ? "it holds not exactly one image; name one with --ref" : $"there is not exactly one image '{reference}'")}: {string.Join(", ", names.Distinct().Take(20))}");

    private void Report(int done, int total) =>
        progress.Report(new StepUpdate(Step, (double)done / total, $"layer {done} of {total}"));
}
