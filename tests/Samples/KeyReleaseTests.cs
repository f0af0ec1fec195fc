using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Attestation;
using BlackBox.Attestation.Tests;
using BlackBox.Samples.KeyRelease;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BlackBox.Samples.Tests;

/// <summary>The sample's service over HTTP, and the container's side with evidence of an imaginary platform.</summary>
public sealed class KeyReleaseTests : IAsyncLifetime
{
    private static readonly byte[] Secret = "the password of the database"u8.ToArray();

    private readonly string _folder = Directory.CreateTempSubdirectory("blackbox-key-release-test-").FullName;
    private readonly Sample _sample = new();
    private readonly Clock _clock = new();
    private readonly Lines _log = new();
    private readonly HttpClient _http = new();
    private WebApplication _app = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        WriteSecret(UnixFileMode.UserRead);
        File.WriteAllText(At("reference.json"), _sample.Reference.ToJson());
        _app = Make();
        await _app.StartAsync(Cancellation);
        _http.BaseAddress = new Uri(_app.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Good_evidence_gets_the_secret()
    {
        Assert.Equal(Secret, await Client().GetSecretAsync(cancellation: Cancellation));
        Assert.Contains(_log.Texts, line => line.EndsWith("secret released", StringComparison.Ordinal));
        Assert.DoesNotContain(_log.Texts, line => line.Contains("refused", StringComparison.Ordinal));

        // And again, with a challenge and a key of its own.
        Assert.Equal(Secret, await Client().GetSecretAsync(cancellation: Cancellation));
    }

    [Fact]
    public async Task The_secret_does_not_travel_in_clear_and_is_for_that_key_alone()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var evidence = Quote(await ChallengeAsync(), publicKey);
        using var answer = await ReleaseAsync(evidence, publicKey);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var body = await answer.Content.ReadAsByteArrayAsync(Cancellation);
        Assert.Equal(-1, body.AsSpan().IndexOf(Secret));
        Assert.DoesNotContain(Convert.ToBase64String(Secret)[..16], Encoding.UTF8.GetString(body), StringComparison.Ordinal);
        var released = (await answer.Content.ReadFromJsonAsync<ReleasedSecret>(Cancellation))!;
        Assert.Equal(Secret, SealedBox.Open(key, released, evidence));

        using var other = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        Assert.ThrowsAny<CryptographicException>(() => SealedBox.Open(other, released, evidence));
        Assert.ThrowsAny<CryptographicException>(() => SealedBox.Open(key, released, evidence[1..]));
        for (var at = 0; at < released.Ciphertext.Length; at++)
        {
            byte[] changed = [.. released.Ciphertext];
            changed[at] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => SealedBox.Open(key, released with { Ciphertext = changed }, evidence));
        }
    }

    /// <summary>What the container is: one thing wrong at a time.</summary>
    [Theory]
    [InlineData(-70_002, Refusal.Monitor)]
    [InlineData(-70_003, Refusal.BootManifest)]
    [InlineData(-70_004, Refusal.Shield)]
    public async Task Another_platform_is_refused_with_its_reason_logged(long claim, Refusal expected)
    {
        ((byte[])_sample.Claims[claim])[0] ^= 1;
        await RefusedAsync(expected);
    }

    [Theory]
    [InlineData(1, Refusal.Image)]
    [InlineData(2, Refusal.Policy)]
    [InlineData(3, Refusal.Image)]
    public async Task Another_image_is_refused_with_its_reason_logged(long claim, Refusal expected)
    {
        ((byte[])_sample.Report[claim])[0] ^= 1;
        await RefusedAsync(expected);
    }

    [Fact]
    public async Task An_older_version_a_debug_image_and_an_unmeasured_boot_are_refused()
    {
        _sample.Report[4] = 4UL;
        await RefusedAsync(Refusal.Counter);
        _sample.Report[4] = 5UL;
        _sample.Report[5] = true;
        await RefusedAsync(Refusal.Debug);
        _sample.Report[5] = false;
        _sample.Claims[-70_001] = (ulong)(PlatformFacts.SecureBoot | PlatformFacts.SealedKey | PlatformFacts.DmaProtection);
        await RefusedAsync(Refusal.NotMeasured);
    }

    [Fact]
    public async Task A_platform_that_is_not_known_is_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        _sample.Key = other;
        await RefusedAsync(Refusal.Signature);
        _sample.Claims[-70_005] = Sample.PublicOf(other);
        await RefusedAsync(Refusal.ForeignKey);
    }

    /// <summary>A service that knows no platform by its key, but TPMs and what they must have measured.</summary>
    [Fact]
    public async Task A_platform_that_a_TPM_endorses_gets_the_secret_and_no_other()
    {
        var registers = new Dictionary<int, byte[]> { [4] = SHA256.HashData([4]), [7] = SHA256.HashData([7]), [12] = SHA256.HashData([12]) };
        var endorsement = TpmSample.Endorse(SHA256.HashData([.. _sample.Public, .. (byte[])_sample.Claims[-70_006]]), registers);
        var tpm = new ReferenceTpm { AttestationKeys = [SHA256.HashData(endorsement.AttestationKey)], Registers = registers };
        File.WriteAllText(At("reference.json"), (_sample.Reference with { Platforms = [], Tpm = tpm }).ToJson());
        await using var app = Make();
        await app.StartAsync(Cancellation);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        var client = new ReleaseClient(http, new SampleSource(this));
        Assert.Equal(Secret, await client.GetSecretAsync(endorsement.ToJson(), Cancellation));

        async Task RefusedAsync(string? json, Refusal expected)
        {
            _log.Texts.Clear();
            await Assert.ThrowsAsync<ReleaseRefusedException>(() => client.GetSecretAsync(json, Cancellation));
            Assert.Contains(_log.Texts, line => line.Contains($"refused: {expected}: ", StringComparison.Ordinal));
        }

        await RefusedAsync(null, Refusal.ForeignKey);
        await RefusedAsync(TpmSample.Endorse(SHA256.HashData(_sample.Public), registers).ToJson(), Refusal.Endorsement);
        await RefusedAsync((endorsement with { Registers = new Dictionary<int, byte[]>(registers) { [12] = new byte[32] } }).ToJson(), Refusal.Endorsement);
        await RefusedAsync("""{"attestationKey":null,"quote":null,"signature":null,"registers":null}""", Refusal.Malformed);
    }

    [Fact]
    public async Task A_nonce_is_good_once()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var evidence = Quote(await ChallengeAsync(), publicKey);
        using (var first = await ReleaseAsync(evidence, publicKey))
        {
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        }

        using var replay = await ReleaseAsync(evidence, publicKey);
        await AssertRefusedAsync(replay, "answers no open challenge");
    }

    /// <summary>Of requests that come at the same time with the same evidence, one is served.</summary>
    [Fact]
    public async Task A_nonce_is_good_once_even_for_many_at_a_time()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var evidence = Quote(await ChallengeAsync(), publicKey);
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ReleaseAsync(evidence, publicKey)));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.Equal(15, answers.Count(answer => answer.StatusCode == HttpStatusCode.Forbidden));
    }

    /// <summary>A refused try uses it up as well: no trying until something fits.</summary>
    [Fact]
    public async Task A_nonce_is_gone_after_a_refusal()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var nonce = await ChallengeAsync();
        using var other = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        using (var refused = await ReleaseAsync(Quote(nonce, other.ExportSubjectPublicKeyInfo()), publicKey))
        {
            await AssertRefusedAsync(refused, nameof(Refusal.Data));
        }

        using var again = await ReleaseAsync(Quote(nonce, publicKey), publicKey);
        await AssertRefusedAsync(again, "answers no open challenge");
    }

    [Fact]
    public async Task A_nonce_expires()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var early = await ChallengeAsync();
        var late = await ChallengeAsync();
        _clock.Now += TimeSpan.FromSeconds(59);
        using (var inTime = await ReleaseAsync(Quote(early, publicKey), publicKey))
        {
            Assert.Equal(HttpStatusCode.OK, inTime.StatusCode);
        }

        _clock.Now += TimeSpan.FromSeconds(1);
        using var tooLate = await ReleaseAsync(Quote(late, publicKey), publicKey);
        await AssertRefusedAsync(tooLate, "the challenge has expired");
    }

    [Fact]
    public async Task Nonces_of_ones_own_and_keys_that_are_not_in_the_evidence_are_refused()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        using (var own = await ReleaseAsync(Quote(RandomNumberGenerator.GetBytes(32), publicKey), publicKey))
        {
            await AssertRefusedAsync(own, "answers no open challenge");
        }

        // Somebody on the way puts his key in place of the container's.
        using var thief = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        using var stolen = await ReleaseAsync(Quote(await ChallengeAsync(), publicKey), thief.ExportSubjectPublicKeyInfo());
        await AssertRefusedAsync(stolen, nameof(Refusal.Data));
    }

    [Fact]
    public async Task What_is_no_key_or_no_evidence_is_refused()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        using var rsa = RSA.Create(2048);
        using var large = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP521);
        byte[] offCurve = [.. publicKey];
        offCurve[^1] ^= 1;
        foreach (var bad in (byte[][])[[], [1, 2, 3], rsa.ExportSubjectPublicKeyInfo(), large.ExportSubjectPublicKeyInfo(), [.. publicKey, 0], publicKey[..^1], offCurve])
        {
            using var refused = await ReleaseAsync(Quote(await ChallengeAsync(), bad), bad);
            await AssertRefusedAsync(refused, nameof(Refusal.Malformed));
        }

        foreach (var bad in (byte[][])[[], [0x84], new byte[5000], Quote(await ChallengeAsync(), publicKey)[..^1]])
        {
            using var refused = await ReleaseAsync(bad, publicKey);
            await AssertRefusedAsync(refused, nameof(Refusal.Malformed));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"evidence":"?","publicKey":""}""")]
    [InlineData("""{"evidence":"AAAA"}""")]
    public async Task Requests_of_another_form_are_400(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(new Uri("release", UriKind.Relative), content, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Large_requests_are_413_and_endorsements_of_another_form_are_refused()
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        using (var large = await ReleaseAsync(new byte[100_000], publicKey))
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        }

        using var refused = await ReleaseAsync(Quote(await ChallengeAsync(), publicKey), publicKey, "no endorsement");
        await AssertRefusedAsync(refused, nameof(Refusal.Malformed));
    }

    [Fact]
    public async Task Challenges_are_bounded_and_come_back()
    {
        await using var small = Make("--KeyRelease:MostChallenges", "3");
        await small.StartAsync(Cancellation);
        using var http = new HttpClient { BaseAddress = new Uri(small.Urls.Single()) };
        async Task<HttpStatusCode> AskAsync()
        {
            using var answer = await http.PostAsync(new Uri("challenge", UriKind.Relative), null, Cancellation);
            return answer.StatusCode;
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await AskAsync());
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync());
        _clock.Now += TimeSpan.FromSeconds(60);
        Assert.Equal(HttpStatusCode.OK, await AskAsync());
    }

    /// <summary>No service at all rather than one with half of its settings.</summary>
    [Fact]
    public void Bad_settings_stop_the_service()
    {
        WriteSecret(UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Assert.Throws<IOException>(() => Make()).Message, StringComparison.Ordinal);
        WriteSecret(UnixFileMode.UserRead);
        File.WriteAllText(At("reference.json"), """{"monitor":[]}""");
        Assert.Throws<FormatException>(() => Make());
        File.Delete(At("reference.json"));
        Assert.Throws<FileNotFoundException>(() => Make());
    }

    [Fact]
    public void The_device_is_written_and_read()
    {
        File.WriteAllBytes(At("user_report_data"), new byte[64]);
        File.WriteAllBytes(At("quote"), [1, 2, 3]);
        var data = RandomNumberGenerator.GetBytes(64);
        Assert.Equal([1, 2, 3], new AttestationDevice(_folder).Quote(data));
        Assert.Equal(data, File.ReadAllBytes(At("user_report_data")));
        File.Delete(At("user_report_data"));
        Assert.Throws<FileNotFoundException>(() => new AttestationDevice(_folder).Quote(data));
    }

    private string At(string name) => Path.Combine(_folder, name);

    private void WriteSecret(UnixFileMode mode)
    {
        File.Delete(At("secret"));
        File.WriteAllBytes(At("secret"), Secret);
        File.SetUnixFileMode(At("secret"), mode);
    }

    private WebApplication Make(params string[] more) => KeyReleaseApp.Create(
        ["--urls", "http://127.0.0.1:0", "--KeyRelease:Reference", At("reference.json"), "--KeyRelease:Secret", At("secret"), .. more],
        builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_clock);
            builder.Logging.ClearProviders().AddProvider(_log);
        });

    private ReleaseClient Client() => new(_http, new SampleSource(this));

    private async Task<byte[]> ChallengeAsync()
    {
        using var answer = await _http.PostAsync(new Uri("challenge", UriKind.Relative), null, Cancellation);
        var challenge = (await answer.Content.ReadFromJsonAsync<Challenge>(Cancellation))!;
        Assert.Equal((32, 60), (challenge.Nonce.Length, challenge.Seconds));
        return challenge.Nonce;
    }

    private byte[] Quote(byte[] nonce, byte[] publicKey)
    {
        _sample.Claims[10] = (byte[])[.. nonce, .. SHA256.HashData(publicKey)];
        _sample.Claims.Remove(-70_007);
        return _sample.Sign();
    }

    private Task<HttpResponseMessage> ReleaseAsync(byte[] evidence, byte[] publicKey, string? endorsement = null) =>
        _http.PostAsJsonAsync(new Uri("release", UriKind.Relative), new ReleaseRequest(evidence, publicKey, endorsement), Cancellation);

    /// <summary>The container's own side is refused, and the log names this reason and no other.</summary>
    private async Task RefusedAsync(Refusal expected)
    {
        _log.Texts.Clear();
        await Assert.ThrowsAsync<ReleaseRefusedException>(() => Client().GetSecretAsync(cancellation: Cancellation));
        Assert.Contains($"refused: {expected}: ", Assert.Single(_log.Texts, line => line.Contains("refused", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    private async Task AssertRefusedAsync(HttpResponseMessage answer, string reason)
    {
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        var body = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.DoesNotContain(reason, body, StringComparison.Ordinal);
        Assert.Contains(_log.Texts, line => line.Contains("refused", StringComparison.Ordinal) && line.Contains(reason, StringComparison.Ordinal));
    }

    private sealed class SampleSource(KeyReleaseTests tests) : IEvidenceSource
    {
        public byte[] Quote(byte[] userReportData)
        {
            tests._sample.Claims[10] = userReportData;
            tests._sample.Claims.Remove(-70_007);
            return tests._sample.Sign();
        }
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentBag<string> Texts { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Texts.Add(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
