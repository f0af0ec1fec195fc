using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace BlackBox.Images.Tests;

/// <summary>Hostile and damaged input to the commands: one line that says what it is, exit code 1, and nothing left behind.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("blackbox-bad-input-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>An archive, and what the message must name.</summary>
    public static TheoryData<string, byte[], string> Archives() => new()
    {
        { "cut off", Archive(new TarSample().File("bin/x").ToArray())[..900], "input.tar" },
        { "layer cut off", Archive(new TarSample().File("a", new string('x', 2000)).ToArray()[..2000]), "cut off" },
        { "zip-slip", Archive(new TarSample().File("../../etc/cron.d/evil").ToArray()), ".." },
        { "zip-slip through a link", Archive(new TarSample().Link("out", "/../../../../tmp").File("out/../../../evil").ToArray()), ".." },
        { "absurd size", Archive(new TarSample().Raw("a", '0', "77777777777").ToArray()), "a" },
        { "duplicate", Archive(new TarSample().File("bin/x").File("./bin//x").ToArray()), "bin/x" },
        { "cyclic links", Archive(new TarSample().Link("a", "b").Link("b", "a").File("a/x").ToArray()), "a" },
        { "name that is not UTF-8", Archive(new TarSample().Raw("a\u00FFb", '0', "0").ToArray()), "UTF-8" },
        { "control characters in a name", Archive(new TarSample().File("bin/x").Folder("evil\u001b[2J\rblackbox: good").File("evil\u001b[2J\rblackbox: good").ToArray()), @"\u001B[2J\u000D" },
        { "damaged gzip", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7], "damaged" },
        { "no archive", [.. Enumerable.Range(0, 4096).Select(number => (byte)((number * 7) + 1))], "input.tar" },
        { "empty", [], "input.tar" },
    };

    [Theory]
    [MemberData(nameof(Archives))]
    public async Task A_bad_archive_is_refused_and_nothing_is_left(string what, byte[] archive, string message)
    {
        _ = what;
        File.WriteAllBytes(At("input.tar"), archive);
        foreach (var output in (string[])["out.tar", "out"])
        {
            var before = Left();
            var result = await Run("image", "build", At("input.tar"), "-o", At(output), "--entry", "/bin/x");
            AssertRefused(result, message);
            Assert.Equal(before, Left());
        }
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public async Task Keys_that_others_can_reach_are_refused_by_every_command(UnixFileMode more)
    {
        Directory.CreateDirectory(At("rootfs/bin"));
        File.WriteAllBytes(At("rootfs/bin/x"), Samples.Elf(100, 1));
        File.SetUnixFileMode(At("rootfs/bin/x"), (UnixFileMode)0x1ED);
        var keys = new KeyStore(At("keys"));
        keys.Create("publisher").Dispose();
        File.WriteAllBytes(At("content"), new byte[32]);
        WriteBootInput(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var before = Left();

        async Task ExposedAsync(string file, params string[] arguments)
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | more);
            AssertRefused(await Run(arguments), file, "chmod 600 " + file);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Assert.Equal(before, Left());
        }

        await ExposedAsync(keys.PathOf("publisher"), "image", "build", At("rootfs"), "-o", At("out.tar"), "--entry", "/bin/x");
        File.SetUnixFileMode(At("content"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await ExposedAsync(At("content"), "image", "build", At("rootfs"), "-o", At("out.tar"), "--entry", "/bin/x", "--content-key", At("content"));
        await ExposedAsync(At("boot.pem"), Install());
        await ExposedAsync(At("boot.pem"), "keys", "approve", "--state", new string('0', 64), "--boot-key", At("boot.pem"), "--out", At("approval"));
        await ExposedAsync(At("secure-boot/db.key"), Install());
    }

    [Theory]
    [InlineData(-20, -1, "expired on")]
    [InlineData(1, 20, "is not valid before")]
    public async Task A_certificate_that_is_not_valid_now_is_refused_before_anything_is_written(int from, int until, string message)
    {
        WriteBootInput(DateTimeOffset.UtcNow.AddDays(from), DateTimeOffset.UtcNow.AddDays(until));
        var before = Left();
        AssertRefused(await Run(Install()), "db.crt", message, "keys enroll");
        AssertRefused(await Run("keys", "enroll", "--secure-boot-keys", At("secure-boot"), "--out", At("enrol")), "db.crt", message);
        Assert.Equal(before, Left());
    }

    [Fact]
    public async Task A_certificate_of_another_key_and_a_damaged_one_are_refused()
    {
        WriteBootInput(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using (var other = RSA.Create(2048))
        {
            File.WriteAllText(At("secure-boot/db.key"), other.ExportPkcs8PrivateKeyPem());
        }

        AssertRefused(await Run(Install()), "is not that of");
        File.WriteAllText(At("secure-boot/db.crt"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        AssertRefused(await Run(Install()), "damaged");
        File.WriteAllText(At("secure-boot/db.crt"), "");
        AssertRefused(await Run(Install()), "damaged");
        Assert.Empty(Directory.EnumerateFileSystemEntries(At("esp")));
    }

    private string[] Install() =>
    [
        "install", "--esp", At("esp"), "--kernel", At("kernel"), "--initrd", At("initrd"), "--monitor", At("monitor.efi"),
        "--boot-key", At("boot.pem"), "--secure-boot-keys", At("secure-boot"),
    ];

    private void WriteBootInput(DateTimeOffset from, DateTimeOffset until)
    {
        foreach (var file in (string[])["kernel", "initrd", "monitor.efi"])
        {
            File.WriteAllBytes(At(file), new byte[100]);
        }

        Directory.CreateDirectory(At("esp"));
        Directory.CreateDirectory(At("secure-boot"));
        using (var boot = ECDsa.Create(ECCurve.NamedCurves.nistP384))
        {
            WritePrivate(At("boot.pem"), boot.ExportPkcs8PrivateKeyPem());
        }

        foreach (var name in (string[])["PK", "KEK", "db"])
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest($"CN=test {name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using var certificate = request.CreateSelfSigned(from, until);
            WritePrivate(At($"secure-boot/{name}.key"), key.ExportPkcs8PrivateKeyPem());
            File.WriteAllText(At($"secure-boot/{name}.crt"), certificate.ExportCertificatePem());
        }
    }

    private static void WritePrivate(string path, string text)
    {
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>A docker archive with this layer.</summary>
    private static byte[] Archive(byte[] layer)
    {
        var config = new JsonObject
        {
            ["architecture"] = "arm64",
            ["os"] = "linux",
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray("sha256:" + Convert.ToHexStringLower(SHA256.HashData(layer))) },
        };
        var manifest = new JsonArray(new JsonObject { ["Config"] = "config.json", ["RepoTags"] = new JsonArray("test:1"), ["Layers"] = new JsonArray("layer.tar") });
        return new TarSample().Raw("layer.tar", '0', Convert.ToString(layer.Length, 8).PadLeft(11, '0'), layer)
            .File("config.json", config.ToJsonString()).File("manifest.json", manifest.ToJsonString()).ToArray();
    }

    /// <summary>All files of the test's folder but the keys that a build may make.</summary>
    private List<string> Left() =>
        [.. Directory.EnumerateFileSystemEntries(_folder, "*", SearchOption.AllDirectories).Where(path => !path.StartsWith(At("keys"), StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static void AssertRefused((int Code, string Output, string Errors) result, params string[] messages)
    {
        Assert.Equal(1, result.Code);
        Assert.Equal("", result.Output);
        Assert.Single(result.Errors.Split('\n'), line => line.StartsWith("blackbox: ", StringComparison.Ordinal));
        Assert.All(messages, message => Assert.Contains(message, result.Errors, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(result.Errors, letter => char.IsControl(letter) && letter != '\n');
    }

    private string At(string name) => Path.Combine(_folder, name);

    private async Task<(int Code, string Output, string Errors)> Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "blackbox.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = _folder,
        };
        start.Environment["BLACKBOX_KEYS"] = At("keys");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, errors);
    }
}
