using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace BlackBox.Images;

/// <summary>Media types and the few fields that we read of the OCI image specification 1.1 and of docker's archives.</summary>
internal static class OciMedia
{
    public const string Index = "application/vnd.oci.image.index.v1+json";
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    public const string Config = "application/vnd.oci.image.config.v1+json";
    public const string Layer = "application/vnd.oci.image.layer.v1.tar";
    public const string DockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";
    public const string ReferenceName = "org.opencontainers.image.ref.name";
    public const string DockerName = "io.containerd.image.name";

    /// <summary>Types of layers, each followed by nothing or by how it is compressed; which that is, its first bytes tell.</summary>
    private static readonly string[] Layers =
    [
        Layer, "application/vnd.oci.image.layer.nondistributable.v1.tar", "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ];

    private static readonly string[] Compressions = ["", "+gzip", "+zstd", ".gzip", ".zstd"];

    public static bool IsLayer(string? type) => type is not null && Layers.Any(layer => type.StartsWith(layer, StringComparison.Ordinal) && Compressions.Contains(type[layer.Length..]));

    public static bool IsConfig(string? type) => type is Config or DockerConfig;

    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.General)
    {
        PropertyNameCaseInsensitive = false,
        AllowDuplicateProperties = false,
        MaxDepth = 32,
    };
}

internal sealed record OciPlatform(
    [property: JsonPropertyName("architecture")] string? Architecture,
    [property: JsonPropertyName("os")] string? System);

internal sealed record OciDescriptor(
    [property: JsonPropertyName("mediaType")] string? MediaType,
    [property: JsonPropertyName("digest")] string? Digest,
    [property: JsonPropertyName("size")] long Size,
    [property: JsonPropertyName("platform")] OciPlatform? Platform,
    [property: JsonPropertyName("annotations")] Dictionary<string, string>? Annotations);

internal sealed record OciIndex(
    [property: JsonPropertyName("mediaType")] string? MediaType,
    [property: JsonPropertyName("manifests")] IReadOnlyList<OciDescriptor>? Manifests);

internal sealed record OciManifest(
    [property: JsonPropertyName("mediaType")] string? MediaType,
    [property: JsonPropertyName("config")] OciDescriptor? Config,
    [property: JsonPropertyName("layers")] IReadOnlyList<OciDescriptor>? Layers,
    [property: JsonPropertyName("annotations")] Dictionary<string, string>? Annotations);

internal sealed record OciImage(
    [property: JsonPropertyName("architecture")] string? Architecture,
    [property: JsonPropertyName("os")] string? System,
    [property: JsonPropertyName("config")] OciRunConfig? Config,
    [property: JsonPropertyName("rootfs")] OciRootFs? Root);

internal sealed record OciRootFs([property: JsonPropertyName("diff_ids")] IReadOnlyList<string>? DiffIds);

internal sealed record OciRunConfig(
    [property: JsonPropertyName("User")] string? User,
    [property: JsonPropertyName("ExposedPorts")] Dictionary<string, JsonObject>? ExposedPorts,
    [property: JsonPropertyName("Env")] IReadOnlyList<string>? Env,
    [property: JsonPropertyName("Entrypoint")] IReadOnlyList<string>? Entrypoint,
    [property: JsonPropertyName("Cmd")] IReadOnlyList<string>? Cmd,
    [property: JsonPropertyName("WorkingDir")] string? WorkingDir,
    [property: JsonPropertyName("Volumes")] Dictionary<string, JsonObject>? Volumes,
    [property: JsonPropertyName("Labels")] Dictionary<string, string>? Labels);

internal sealed record DockerArchiveItem(string? Config, IReadOnlyList<string>? RepoTags, IReadOnlyList<string>? Layers);
