using System.Security.Cryptography;
using BlackBox.Attestation;
using BlackBox.Boot;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>
/// Evidence from a running container, held against what was computed from files alone. The programs are the distribution's own: python
/// and a shell know nothing of BlackBox but the names of the files.
/// </summary>
public sealed class AttestationTests
{

    private static readonly string Script = """
        import base64, os, sys
        nonce = bytes.fromhex(sys.argv[1])
        print(open("/dev/attestation/attestation_type").read())
        with open("/dev/attestation/user_report_data", "wb") as f:
            f.write(nonce + b"python".ljust(32, b"\0"))
        print(base64.b64encode(open("/dev/attestation/quote", "rb").read()).decode())
        pid = os.fork()                # a child sees what the parent wrote, and asks again
        if pid == 0:
            with open("/dev/attestation/user_report_data", "r+b") as f:
                assert f.read() == nonce + b"python".ljust(32, b"\0")
                f.seek(32)
                f.write(b"child")
            print(base64.b64encode(open("/dev/attestation/quote", "rb").read()).decode(), flush=True)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert os.path.isfile("/dev/attestation/quote") and os.path.isdir("/dev/attestation")
        assert os.stat("/dev/attestation/user_report_data").st_size == 64
        def refused(action, *errors):
            try:
                action()
            except OSError as e:
                assert e.errno in errors, e
            else:
                assert False
        refused(lambda: open("/dev/attestation/quote", "wb"), 13)
        refused(lambda: open("/dev/attestation/user_report_data", "xb"), 17)
        refused(lambda: open("/dev/attestation/other", "rb"), 2)
        with open("/dev/attestation/user_report_data", "r+b", buffering=0) as f:
            refused(lambda: f.truncate(10), 1)
            f.seek(60)
            refused(lambda: [f.write(bytes(8)), f.write(bytes(8))], 1)
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_container_proves_what_it_is()
    {
        var guest = await Guests.EnvironmentAsync();
        using var python = await new ImageSource(guest, NoProgress.Instance).OpenAsync("python", null, wantProtected: true, Cancellation);
        using var shell = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: true, Cancellation);
        var monitor = await new ProductBuild(guest.Kernel, NoProgress.Instance).MonitorAsync(Cancellation);
        var nonce = RandomNumberGenerator.GetBytes(32);
        Container[] containers =
        [
            new("one", python.Content, ["-c", Script, Convert.ToHexStringLower(nonce)]),
            new("two", shell.Content, ["-c", $"echo -n {Convert.ToHexStringLower(nonce)} > /dev/attestation/user_report_data; cat /dev/attestation/user_report_data; echo; base64 /dev/attestation/quote"]),
        ];
        await using var machine = await ContainerMachine.StartAsync(
            new MachineOptions { Monitor = monitor, BootTimeout = TimeSpan.FromMinutes(4) }, containers, guest, new ProductBuild(guest.Kernel, NoProgress.Instance), NoProgress.Instance, Cancellation);
        var lines = (await machine.RunAsync("blackbox-runtime run --bundle /containers/one one")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("blackbox", lines[0]);
        byte[][] quotes = [Convert.FromBase64String(lines[1]), Convert.FromBase64String(lines[2])];

        // Predicted from files alone.
        var image = await File.ReadAllBytesAsync(monitor, Cancellation);
        var reference = new ReferenceValues
        {
            Platforms = [Convert.FromHexString(Evidence.DevelopmentKey)],
            Monitors = [SHA256.HashData(image)],
            BootManifests = [new byte[32]],
            Shields = [MonitorMeasurement.Shield(image, await File.ReadAllBytesAsync(Path.Combine(Path.GetDirectoryName(monitor)!, "shield.bin"), Cancellation))!],
            Images = [Measure(python.Content)],
            RequireMeasured = false,
            RequireSecureBoot = false,
            RequireSealedKey = false,
            AllowDevelopmentKey = true,
        };
        Good(quotes[0], reference, nonce, "python");
        Good(quotes[1], reference, nonce, "child");

        // Strict values, another nonce, another image: refused, with the reason.
        Assert.Equal([Refusal.NotMeasured, Refusal.SecureBoot, Refusal.KeyNotSealed, Refusal.DevelopmentKey], Refused(
            quotes[0], reference with { RequireMeasured = true, RequireSecureBoot = true, RequireSealedKey = true, AllowDevelopmentKey = false }, nonce));
        Assert.Equal([Refusal.Nonce], Refused(quotes[0], reference, RandomNumberGenerator.GetBytes(32)));
        Assert.Equal([Refusal.Image], Refused(quotes[0], reference with { Images = [Measure(shell.Content)] }, nonce));

        var words = (await machine.RunAsync("blackbox-runtime run --bundle /containers/two two")).Split('\n', 2);
        Assert.Equal(Convert.ToHexStringLower(nonce), words[0]);
        var verdict = EvidenceVerifier.Verify(
            Convert.FromBase64String(words[1]), reference with { Images = [Measure(shell.Content)] },
            new Expectation { Nonce = System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(nonce)) });
        Assert.True(verdict.IsGood, string.Join("; ", verdict.Reasons));
    }

    private static void Good(byte[] quote, ReferenceValues reference, byte[] nonce, string data)
    {
        var verdict = EvidenceVerifier.Verify(quote, reference, new Expectation { Nonce = nonce });
        Assert.True(verdict.IsGood, string.Join("; ", verdict.Reasons));
        Assert.StartsWith(data, System.Text.Encoding.ASCII.GetString(verdict.ContainerData!), StringComparison.Ordinal);
        Assert.Equal(PlatformKey.Development.Public, verdict.Evidence!.UnwrappingKey);
    }

    private static Refusal[] Refused(byte[] quote, ReferenceValues reference, byte[] nonce)
    {
        var verdict = EvidenceVerifier.Verify(quote, reference, new Expectation { Nonce = nonce });
        Assert.False(verdict.IsGood);
        return [.. verdict.Reasons.Select(reason => reason.Refusal)];
    }

    private static ReferenceImage Measure(ImageContent content)
    {
        var stored = StoredImage.Read(content.Root);
        return new ReferenceImage { Name = stored.Manifest.Name, Manifest = stored.ManifestDigest, Policy = stored.PolicyDigest, MinimumCounter = stored.Manifest.Counter };
    }
}
