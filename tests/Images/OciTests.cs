using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using BlackBox.Hosting;
using Xunit;
using ZstdSharp;

namespace BlackBox.Images.Tests;

public sealed class OciTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("blackbox-oci-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("out.bb")]
    [InlineData("out.bb.tar")]
    public async Task What_is_written_is_read_again_and_verifies(string name)
    {
        var image = Samples.Image().Configure(image => image with { Environment = ["A=b"], UserId = 5, GroupId = 6, Ports = [80], WorkingDirectory = "/etc", Labels = new Dictionary<string, string> { ["k"] = "v" } }).Protect();
        var (path, digest) = await Write(image, name);
        using var opened = Open(path);
        var configuration = opened.Content.Configuration;

        _ = Samples.Verify(opened.Content.Root);
        Assert.Equal("sample", configuration.Name);
        Assert.Equal(["/bin/program", "one", "two"], configuration.Entrypoint);
        Assert.Equal(["A=b"], configuration.Environment);
        Assert.Equal((5, 6, "/etc", "v", 80), (configuration.UserId, configuration.GroupId, configuration.WorkingDirectory, configuration.Labels["k"], configuration.Ports[0]));
        Assert.StartsWith("sha256:", digest);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_folder), entry => entry.Contains("partial"));
    }

    [Fact]
    public async Task Two_builds_are_equal_byte_for_byte()
    {
        var (one, _) = await Write(Samples.Image().Protect(), "one.tar");
        var (two, _) = await Write(Samples.Image().Protect(), "two.tar");
        Assert.Equal(await File.ReadAllBytesAsync(one, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(two, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Every_blob_is_checked()
    {
        var (path, _) = await Write(Samples.Image().Protect(), "layout");
        foreach (var blob in Directory.GetFiles(Path.Combine(path, "blobs/sha256")))
        {
            var good = await File.ReadAllBytesAsync(blob, TestContext.Current.CancellationToken);
            foreach (var offset in (int[])[0, good.Length / 2, good.Length - 1])
            {
                var bad = good.ToArray();
                bad[offset] ^= 1;
                await File.WriteAllBytesAsync(blob, bad, TestContext.Current.CancellationToken);
                Assert.Throws<ImageRefusedException>(() => Open(path));
            }

            await File.WriteAllBytesAsync(blob, good[..^1], TestContext.Current.CancellationToken);
            Assert.Throws<ImageRefusedException>(() => Open(path));
            File.Delete(blob);
            Assert.Throws<ImageRefusedException>(() => Open(path));
            await File.WriteAllBytesAsync(blob, good, TestContext.Current.CancellationToken);
            Open(path).Dispose();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public void Compressed_layers_and_archives_are_read(string compression)
    {
        byte[][] layers = [new TarSample().File("bin/x", "one", 0x1ED).File("gone").ToArray(), new TarSample().File(".wh.gone").File("y").ToArray()];
        var layout = Layout(layers, layer => Compress(layer, compression));
        using var opened = Open(layout);
        Assert.Equal(["/", "/bin", "/bin/x", "/y"], opened.Content.Root.Entries.Select(entry => entry.Path.Text));

        var archive = Path.Combine(_folder, "docker.tar");
        File.WriteAllBytes(archive, Compress(DockerArchive(layers), compression));
        using var docker = Open(archive);
        Assert.Equal(["/", "/bin", "/bin/x", "/y"], docker.Content.Root.Entries.Select(entry => entry.Path.Text));
        Assert.Equal("redis", docker.Content.Configuration.Name);
        Assert.Equal(["/bin/x"], docker.Content.Configuration.Entrypoint);
    }

    [Fact]
    public void Compressed_layers_that_are_damaged_or_too_large_are_refused()
    {
        byte[] layer = [.. new TarSample().File("x", new string('x', 100_000)).ToArray()];
        foreach (var kind in (string[])["gzip", "zstd"])
        {
            Assert.Throws<ImageRefusedException>(() => Open(Layout([layer], bytes => Compress(bytes, kind)[..^20])));
            Assert.Throws<ImageRefusedException>(() => Open(Layout([layer], bytes =>
            {
                var packed = Compress(bytes, kind);
                packed[packed.Length / 2] ^= 0x55;
                return packed;
            })));
            Assert.Throws<ImageRefusedException>(() => OpenedImage.Open(
                Layout([layer], bytes => Compress(bytes, kind)), limits: new ReadLimits(Bytes: 1000), cancellation: TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public void An_image_for_several_machines_gives_ours_and_one_for_another_is_refused()
    {
        using (var opened = Open(Layout([new TarSample().File("x").ToArray()], others: ["amd64", "riscv64"])))
        {
            Assert.True(opened.Content.Root.Contains(RootPath.Parse("/x")));
        }

        var refused = Assert.Throws<ImageRefusedException>(() => Open(Layout([new TarSample().File("x").ToArray()], architecture: "amd64")));
        Assert.Contains("amd64", refused.Reason);
    }

    [Fact]
    public void Of_several_images_one_must_be_named()
    {
        var archive = Path.Combine(_folder, "several.tar");
        File.WriteAllBytes(archive, DockerArchive([new TarSample().File("x").ToArray()], "redis:7", "library/nginx:1"));
        var refused = Assert.Throws<ImageRefusedException>(() => Open(archive));
        Assert.Contains("redis:7", refused.Reason);
        Assert.Contains("library/nginx:1", refused.Reason);
        using var opened = OpenedImage.Open(archive, "nginx", cancellation: TestContext.Current.CancellationToken);
        Assert.Equal("nginx", opened.Content.Configuration.Name);
        Assert.Throws<ImageRefusedException>(() => OpenedImage.Open(archive, "postgres", cancellation: TestContext.Current.CancellationToken));
    }

    public static TheoryData<string, string> BadIndexes() => new()
    {
        { "no JSON", "{" },
        { "empty", "{}" },
        { "null", "null" },
        { "null element", """{"manifests":[null]}""" },
        { "path in a digest", """{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../../../../../../../../../../../etc/passwd0000000000000000000","size":1}]}""" },
        { "other algorithm", """{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"md5:00","size":1}]}""" },
        { "missing blob", """{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","size":1}]}""" },
        { "negative size", """{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","size":-1}]}""" },
        { "size that is no number", """{"manifests":[{"size":"x"}]}""" },
        { "deep", new string('[', 10_000) },
        { "duplicate keys", """{"manifests":[],"manifests":[]}""" },
    };

    [Theory]
    [MemberData(nameof(BadIndexes))]
    public void Bad_indexes_are_refused(string what, string json)
    {
        _ = what;
        var layout = Layout([new TarSample().File("x").ToArray()]);
        File.WriteAllText(Path.Combine(layout, "index.json"), json);
        Assert.Throws<ImageRefusedException>(() => Open(layout));
    }

    [Theory]
    [InlineData("application/vnd.oci.image.layer.v1.tar")]
    [InlineData("application/vnd.oci.image.layer.v1.tar+gzip")]
    [InlineData("application/vnd.oci.image.layer.v1.tar+zstd")]
    [InlineData("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")]
    [InlineData("application/vnd.docker.image.rootfs.diff.tar.gzip")]
    public void Layers_of_every_kind_are_taken(string type) => Open(Layout([new TarSample().File("x").ToArray()], layerType: type)).Dispose();

    /// <summary>What is not said to be a container image is not taken for one: charts, signatures, encrypted layers, and one kind of document in the place of another.</summary>
    [Theory]
    [InlineData("layer", "application/vnd.oci.image.layer.v1.tar+encrypted")]
    [InlineData("layer", "application/vnd.oci.image.layer.v1.tar+gzip+encrypted")]
    [InlineData("layer", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")]
    [InlineData("layer", "application/vnd.oci.image.manifest.v1+json")]
    [InlineData("layer", "")]
    [InlineData("layer", null)]
    [InlineData("image configuration", "application/vnd.oci.empty.v1+json")]
    [InlineData("image configuration", "application/vnd.oci.image.layer.v1.tar")]
    [InlineData("image configuration", null)]
    [InlineData("image manifest", "application/vnd.oci.image.index.v1+json")]
    [InlineData("image manifest", "application/json\u001b[2J")]
    public void Wrong_media_types_are_refused(string what, string? type)
    {
        byte[][] layers = [new TarSample().File("x").ToArray()];
        var layout = what switch
        {
            "layer" => Layout(layers, layerType: type),
            "image configuration" => Layout(layers, configType: type),
            _ => Layout(layers, ownType: type),
        };
        var refused = Assert.Throws<ImageRefusedException>(() => Open(layout));
        Assert.Equal(what, refused.File);
        Assert.Contains("media type", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_in_a_layout_leads_nowhere()
    {
        var layout = Layout([new TarSample().File("x").ToArray()]);
        File.Delete(Path.Combine(layout, "index.json"));
        File.CreateSymbolicLink(Path.Combine(layout, "index.json"), "/etc/passwd");
        Assert.Contains("symbolic links", Assert.Throws<ImageRefusedException>(() => Open(layout)).Reason);
    }

    [Fact]
    public void A_folder_becomes_an_image_and_other_files_do_not()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "my-tool")).FullName;
        File.WriteAllBytes(Path.Combine(folder, "tool"), Samples.Elf(5000, 1));
        File.SetUnixFileMode(Path.Combine(folder, "tool"), (UnixFileMode)0x1ED);
        using var opened = Open(folder);
        Assert.Equal("my-tool", opened.Content.Configuration.Name);

        File.WriteAllText(Path.Combine(_folder, "text"), "no archive");
        Assert.Throws<ImageRefusedException>(() => Open(Path.Combine(_folder, "text")));
        File.WriteAllBytes(Path.Combine(_folder, "tar"), new TarSample().File("x").ToArray());
        Assert.Throws<ImageRefusedException>(() => Open(Path.Combine(_folder, "tar")));
        Assert.Throws<BlackBoxException>(() => Open(Path.Combine(_folder, "missing")));
    }

    [Fact]
    public void Users_are_found_by_name_and_number()
    {
        var root = new InMemoryImage("users").AddFile("/etc/passwd", "root:x:0:0::/root:/bin/sh\nredis:x:101:102::/var/lib/redis:/bin/false\n"u8.ToArray()).AddFile("/etc/group", "staff:x:50:\n"u8.ToArray()).Root;
        Assert.Equal((101, 102), UserFile.Parse(root, "redis"));
        Assert.Equal((101, 50), UserFile.Parse(root, "redis:staff"));
        Assert.Equal((101, 102), UserFile.Parse(root, "101"));
        Assert.Equal((7, 8), UserFile.Parse(root, "7:8"));
        Assert.Equal((0, 0), UserFile.Parse(root, ""));
        Assert.Equal("/var/lib/redis", UserFile.HomeOf(root, 101));
        Assert.Throws<ImageRefusedException>(() => UserFile.Parse(root, "nobody"));
        Assert.Throws<ImageRefusedException>(() => UserFile.Parse(root, "0:nobody"));
    }

    private static OpenedImage Open(string path) => OpenedImage.Open(path, cancellation: TestContext.Current.CancellationToken);

    private async Task<(string Path, string Digest)> Write(ProtectedImage image, string name)
    {
        var path = Path.Combine(_folder, name);
        var writer = new OciWriter(image.Content, image.Annotations, DateTimeOffset.UnixEpoch, cancellation: TestContext.Current.CancellationToken);
        return (path, name.EndsWith(".tar", StringComparison.Ordinal) ? await writer.WriteArchiveAsync(path) : await writer.WriteFolderAsync(path));
    }

    private static byte[] Compress(byte[] bytes, string kind)
    {
        using var result = new MemoryStream();
        using (Stream packed = kind switch { "gzip" => new GZipStream(result, CompressionLevel.Fastest, true), "zstd" => new CompressionStream(result, leaveOpen: true), _ => new BufferedStream(new Unclosed(result)) })
        {
            packed.Write(bytes);
        }

        return result.ToArray();
    }

    private sealed class Unclosed(Stream inner) : MemoryStream
    {
        protected override void Dispose(bool disposing) => base.Dispose(disposing);

        public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    }

    private static string Sha(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static JsonObject Config(byte[][] layers, string architecture = "arm64") => new()
    {
        ["architecture"] = architecture,
        ["os"] = "linux",
        ["config"] = new JsonObject { ["Entrypoint"] = new JsonArray("/bin/x") },
        ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. layers.Select(layer => (JsonNode)Sha(layer))]) },
    };

    private string Layout(
        byte[][] layers, Func<byte[], byte[]>? pack = null, string architecture = "arm64", string[]? others = null,
        string? layerType = OciMedia.Layer, string? configType = OciMedia.Config, string? ownType = OciMedia.Manifest)
    {
        var folder = Path.Combine(_folder, $"layout{Guid.NewGuid():N}");
        var blobs = Directory.CreateDirectory(Path.Combine(folder, "blobs/sha256")).FullName;
        JsonObject Blob(string? type, byte[] bytes)
        {
            File.WriteAllBytes(Path.Combine(blobs, Sha(bytes)[7..]), bytes);
            return new JsonObject { ["mediaType"] = type, ["digest"] = Sha(bytes), ["size"] = bytes.Length };
        }

        JsonObject Json(string? type, JsonNode node) => Blob(type, Encoding.UTF8.GetBytes(node.ToJsonString()));
        var manifests = new JsonArray();
        foreach (var machine in (string[])[.. others ?? [], architecture])
        {
            var packed = layers.Select(layer => (pack ?? (bytes => bytes))(layer)).ToArray();
            var manifest = Json(OciMedia.Manifest, new JsonObject
            {
                ["schemaVersion"] = 2,
                ["mediaType"] = ownType,
                ["config"] = Json(configType, Config(layers, machine)),
                ["layers"] = new JsonArray([.. packed.Select(layer => (JsonNode)Blob(layerType, layer))]),
            });
            if (others is not null)
            {
                manifest["platform"] = new JsonObject { ["architecture"] = machine, ["os"] = "linux" };
            }

            manifests.Add(manifest);
        }

        // Images for several machines come as an index in the index.
        var index = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = manifests };
        File.WriteAllText(Path.Combine(folder, "index.json"), others is null
            ? index.ToJsonString()
            : new JsonObject { ["manifests"] = new JsonArray(Json(OciMedia.Index, index)) }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        return folder;
    }

    private static byte[] DockerArchive(byte[][] layers, params string[] tags)
    {
        var archive = new TarSample();
        for (var i = 0; i < layers.Length; i++)
        {
            // Older versions write a layer once and lead to it by links.
            archive.Folder($"l{i}/").File($"l{i}/real.tar", Encoding.Latin1.GetString(layers[i])).Link($"l{i}/layer.tar", "real.tar");
        }

        var config = Config(layers).ToJsonString();
        archive.File("config.json", config);
        archive.File("manifest.json", new JsonArray([.. (tags.Length == 0 ? ["docker.io/library/redis:7"] : tags).Select(tag => (JsonNode)new JsonObject
        {
            ["Config"] = "config.json",
            ["RepoTags"] = new JsonArray(tag),
            ["Layers"] = new JsonArray([.. layers.Select((_, i) => (JsonNode)$"l{i}/layer.tar")]),
        })]).ToJsonString());
        return archive.ToArray();
    }
}
