using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Xunit;

namespace BlackBox.Attestation.Tests;

/// <summary>The commands as users call them.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("blackbox-attest-test-").FullName;
    private readonly Sample _sample = new();

    public CommandTests()
    {
        File.WriteAllBytes(At("quote"), _sample.Sign());
        File.WriteAllText(At("quote.base64"), Convert.ToBase64String(_sample.Sign(), Base64FormattingOptions.InsertLineBreaks));
        File.WriteAllText(At("reference.json"), _sample.Reference.ToJson());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Good_evidence_is_0()
    {
        var nonce = Convert.ToHexStringLower(_sample.Nonce[..32]);
        var good = await Run("attest", "verify", At("quote"), "--reference", At("reference.json"), "--nonce", nonce, "--json");
        Assert.Equal((0, ""), (good.Code, good.Errors));
        Assert.True((bool)JsonNode.Parse(good.Output)!["good"]!);
        Assert.Equal(Convert.ToHexStringLower(_sample.Nonce[32..]), (string)JsonNode.Parse(good.Output)!["containerData"]!);
        var text = await Run("attest", "verify", At("quote.base64"), "--reference", At("reference.json"));
        Assert.Equal(0, text.Code);
        Assert.Contains("fresh was not checked", text.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refused_evidence_is_1_and_says_why()
    {
        var refused = await Run("attest", "verify", At("quote"), "--reference", At("reference.json"), "--nonce", new string('0', 64), "--json");
        Assert.Equal(1, refused.Code);
        Assert.StartsWith("blackbox: refused: it answers another nonce", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("Nonce", (string)JsonNode.Parse(refused.Output)!["reasons"]![0]!["refusal"]!);
        Assert.Null(JsonNode.Parse(refused.Output)!["containerData"]);
    }

    [Fact]
    public async Task Wrong_use_is_2()
    {
        Assert.Equal(2, (await Run("attest", "verify", At("quote"))).Code);
        Assert.Equal(2, (await Run("attest", "verify", At("quote"), "--reference", At("reference.json"), "--nonce", "xyz")).Code);
        Assert.Equal(2, (await Run("attest", "verify", At("quote"), "--reference", At("reference.json"), "--nonce", new string('0', 130))).Code);
        Assert.Equal(2, (await Run("attest", "verify", At("none"), "--reference", At("reference.json"))).Code);
        Assert.Equal(2, (await Run("attest", "verify", At("quote"), "--reference", At("quote"))).Code);
    }

    /// <summary>From evidence to an image for that platform, and from the image to reference values.</summary>
    [Fact]
    public async Task A_platforms_key_comes_from_its_evidence()
    {
        using var unwrapping = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        _sample.Claims[-70_006] = Sample.PublicOf(unwrapping);
        File.WriteAllBytes(At("quote"), _sample.Sign());
        var taken = await Run("attest", "platform", At("quote"), "--reference", At("reference.json"), "--out", At("board.pub"));
        Assert.Equal(0, taken.Code);
        Assert.Equal(unwrapping.ExportSubjectPublicKeyInfoPem() + "\n", File.ReadAllText(At("board.pub")));
        Assert.Equal(1, (await Run("attest", "platform", At("quote"), "--reference", At("reference.json"), "--nonce", "00", "--out", At("other.pub"))).Code);
        Assert.False(File.Exists(At("other.pub")));

        Directory.CreateDirectory(At("root/bin"));
        File.WriteAllBytes(At("root/bin/tool"), [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, .. new byte[9], 2, 0, 0xb7, 0, .. new byte[100]]);
        File.SetUnixFileMode(At("root/bin/tool"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var built = await Run("image", "build", At("root"), "-o", At("tool.tar"), "--entry", "/bin/tool", "--for", At("board.pub"));
        Assert.True(built.Code == 0, built.Errors);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Sample.PublicOf(unwrapping))[..8]),
            (string)JsonNode.Parse((await Run("image", "inspect", At("tool.tar"), "--json")).Output)!["platforms"]![0]!);
        Assert.Equal(1, (await Run("image", "verify", At("tool.tar"))).Code);    // it opens on that platform alone

        File.WriteAllBytes(At("monitor.bin"), [.. new byte[4096], 1, 2, 3, .. new byte[4093]]);
        File.WriteAllBytes(At("shield.bin"), [1, 2, 3]);
        var measured = await Run("measure", "--monitor", At("monitor.bin"), "--image", At("tool.tar"), "--development");
        Assert.True(measured.Code == 0, measured.Errors);
        var values = ReferenceValues.Parse(measured.Output);
        Assert.Equal(SHA256.HashData(File.ReadAllBytes(At("monitor.bin"))), Assert.Single(values.Monitors));
        Assert.Equal(SHA256.HashData([1, 2, 3, .. new byte[4093]]), Assert.Single(values.Shields));
        Assert.Equal("root", Assert.Single(values.Images).Name);
        File.WriteAllBytes(At("shield.bin"), [1, 2, 4]);
        Assert.Equal(1, (await Run("measure", "--monitor", At("monitor.bin"))).Code);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private async Task<(int Code, string Output, string Errors)> Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "blackbox.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = typeof(CommandTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value,
        };
        start.Environment["BLACKBOX_KEYS"] = At("keys");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, errors);
    }
}
