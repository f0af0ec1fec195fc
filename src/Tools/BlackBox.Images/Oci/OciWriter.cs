using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>
/// Writes an image with one layer as an OCI layout, in a folder or in an archive. The archive also holds docker's
/// manifest.json, so that docker load, ctr import and podman load all take it.
/// </summary>
public sealed class OciWriter
{
    private const string Step = "Writing";
    private const string Tag = "latest";

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ImageContent _content;
    private readonly IReadOnlyDictionary<string, string> _annotations;
    private readonly DateTimeOffset _created;
    private readonly IProgress<StepUpdate> _progress;
    private readonly CancellationToken _cancellation;

    /// <param name="content">What to write.</param>
    /// <param name="annotations">For the image manifest.</param>
    /// <param name="created">Time stamp of the image and of all files.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between two files.</param>
    public OciWriter(
        ImageContent content, IReadOnlyDictionary<string, string> annotations, DateTimeOffset created, IProgress<StepUpdate>? progress = null, CancellationToken cancellation = default)
    {
        _content = content;
        _annotations = annotations;
        _created = created;
        _progress = progress ?? NoProgress.Instance;
        _cancellation = cancellation;
    }

    /// <summary>Writes a folder, which appears complete or not at all and takes the place of one that is there.</summary>
    /// <returns>Digest of the image manifest, "sha256:...".</returns>
    public async Task<string> WriteFolderAsync(string path)
    {
        var digest = "";
        await AtomicOutput.WriteFolderAsync(path, folder =>
        {
            digest = Fill(folder);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        return digest;
    }

    /// <summary>Writes an archive, which appears complete or not at all.</summary>
    /// <inheritdoc cref="WriteFolderAsync"/>
    public async Task<string> WriteArchiveAsync(string path)
    {
        var digest = "";
        var layout = $"{path}.partial-{Environment.ProcessId}-layout";
        try
        {
            await AtomicOutput.WriteFileAsync(path, file =>
            {
                digest = Fill(layout);
                Pack(layout, file);
                return Task.CompletedTask;
            }).ConfigureAwait(false);
            return digest;
        }
        finally
        {
            if (Directory.Exists(layout))
            {
                Directory.Delete(layout, recursive: true);
            }
        }
    }

    private string Fill(string folder)
    {
        var blobs = Path.Combine(folder, "blobs", "sha256");
        _ = Directory.CreateDirectory(blobs);
        var layer = WriteLayer(blobs);
        var config = WriteBlob(blobs, OciMedia.Config, Configuration(layer.Digest!));
        var manifest = WriteBlob(blobs, OciMedia.Manifest, new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = OciMedia.Manifest,
            ["config"] = Describe(config),
            ["layers"] = new JsonArray(Describe(layer)),
            ["annotations"] = Map(_annotations),
        });
        var entry = Describe(manifest);
        entry["annotations"] = Map(new Dictionary<string, string>
        {
            [OciMedia.DockerName] = $"docker.io/library/{_content.Configuration.Name}:{Tag}",
            [OciMedia.ReferenceName] = Tag,
        });
        entry["platform"] = new JsonObject { ["architecture"] = "arm64", ["os"] = "linux" };
        WriteJson(folder, "index.json", new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = OciMedia.Index, ["manifests"] = new JsonArray(entry) });
        WriteJson(folder, "oci-layout", new JsonObject { ["imageLayoutVersion"] = "1.0.0" });
        WriteJson(folder, "manifest.json", new JsonArray(new JsonObject
        {
            ["Config"] = PathOf(config),
            ["RepoTags"] = new JsonArray($"{_content.Configuration.Name}:{Tag}"),
            ["Layers"] = new JsonArray(PathOf(layer)),
        }));
        return manifest.Digest!;
    }

    private OciDescriptor WriteLayer(string blobs)
    {
        var temporary = Path.Combine(blobs, "layer");
        using var output = new HashingOutput(temporary);
        using (var tar = new TarOutput(output, _created.ToUnixTimeSeconds()))
        {
            long done = 0, total = Math.Max(1, _content.Root.TotalLength);
            foreach (var entry in _content.Root.Entries.Where(entry => !entry.Path.IsRoot))
            {
                _cancellation.ThrowIfCancellationRequested();
                tar.Write(entry);
                done += entry.Length;
                _progress.Report(new StepUpdate(Step, (double)done / total, entry.Path.Text));
            }
        }

        var (digest, length) = output.Finish();
        File.Move(temporary, Path.Combine(blobs, digest));
        return new OciDescriptor(OciMedia.Layer, "sha256:" + digest, length, null, null);
    }

    private JsonObject Configuration(string layerDigest)
    {
        var image = _content.Configuration;
        var config = new JsonObject
        {
            ["Env"] = Strings(image.Environment),
            ["Entrypoint"] = Strings(image.Entrypoint),
            ["Cmd"] = Strings(image.Command),
            ["WorkingDir"] = image.WorkingDirectory,
            ["User"] = string.Create(CultureInfo.InvariantCulture, $"{image.UserId}:{image.GroupId}"),
            ["Labels"] = Map(image.Labels),
        };
        if (image.Protection.WritablePaths.Count > 0)
        {
            config["Volumes"] = new JsonObject(image.Protection.WritablePaths.Distinct().Select(path => KeyValuePair.Create(path, (JsonNode?)new JsonObject())));
        }

        if (image.Ports.Count > 0)
        {
            config["ExposedPorts"] = new JsonObject(image.Ports.Select(port => KeyValuePair.Create(string.Create(CultureInfo.InvariantCulture, $"{port}/tcp"), (JsonNode?)new JsonObject())));
        }

        var created = _created.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return new JsonObject
        {
            ["created"] = created,
            ["architecture"] = "arm64",
            ["os"] = "linux",
            ["config"] = config,
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(layerDigest) },
            ["history"] = new JsonArray(new JsonObject { ["created"] = created, ["created_by"] = "blackbox image build" }),
        };
    }

    private static void Pack(string folder, Stream output)
    {
        using var tar = new TarOutput(output, 0);
        foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(folder, path);
            if (Directory.Exists(path))
            {
                tar.WriteFolder(name);
            }
            else
            {
                tar.WriteFile(name, ContentSource.FromFile(path));
            }
        }
    }

    private static OciDescriptor WriteBlob(string blobs, string mediaType, JsonNode node)
    {
        var bytes = Encoding.UTF8.GetBytes(node.ToJsonString(Json));
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes(Path.Combine(blobs, digest), bytes);
        return new OciDescriptor(mediaType, "sha256:" + digest, bytes.Length, null, null);
    }

    private static void WriteJson(string folder, string name, JsonNode node) =>
        File.WriteAllBytes(Path.Combine(folder, name), Encoding.UTF8.GetBytes(node.ToJsonString(Json)));

    private static string PathOf(OciDescriptor descriptor) => "blobs/sha256/" + descriptor.Digest!["sha256:".Length..];

    private static JsonObject Describe(OciDescriptor descriptor) =>
        new() { ["mediaType"] = descriptor.MediaType, ["digest"] = descriptor.Digest, ["size"] = descriptor.Size };

    private static JsonArray Strings(IEnumerable<string> items) => new([.. items.Select(item => (JsonNode)item)]);

    private static JsonObject Map(IEnumerable<KeyValuePair<string, string>> items) =>
        new(items.OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => KeyValuePair.Create(item.Key, (JsonNode?)item.Value)));
}
