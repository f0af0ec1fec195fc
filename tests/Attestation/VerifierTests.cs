using System.Security.Cryptography;
using BlackBox.Images;
using Xunit;

namespace BlackBox.Attestation.Tests;

public class VerifierTests
{
    private readonly Sample _sample = new();

    [Fact]
    public void What_the_reference_values_say_is_good()
    {
        var verdict = Verify(_sample.Sign());
        Assert.True(verdict.IsGood, string.Join("; ", verdict.Reasons));
        Assert.Equal(_sample.Nonce[32..], verdict.ContainerData);
        Assert.Equal("sample", verdict.Evidence!.Container.Name);
        Assert.Equal(5UL, verdict.Evidence.Container.Counter);
    }

    /// <summary>Each field changed alone, signed by the platform itself: refused with this reason and no other.</summary>
    [Theory]
    [InlineData(-70_002, Refusal.Monitor)]
    [InlineData(-70_003, Refusal.BootManifest)]
    [InlineData(-70_004, Refusal.Shield)]
    public void Another_digest_is_refused(long claim, Refusal expected)
    {
        ((byte[])_sample.Claims[claim])[31] ^= 1;
        Assert.Equal([expected], Reasons(Verify(_sample.Sign())));
    }

    [Theory]
    [InlineData(PlatformFacts.Measured, Refusal.NotMeasured)]
    [InlineData(PlatformFacts.SealedKey, Refusal.KeyNotSealed)]
    [InlineData(PlatformFacts.DmaProtection, Refusal.DmaProtection)]
    [InlineData(PlatformFacts.SecureBoot, Refusal.SecureBoot)]
    public void A_missing_fact_is_refused(PlatformFacts fact, Refusal expected)
    {
        _sample.Claims[-70_001] = (ulong)_sample.Claims[-70_001] & ~(ulong)fact;
        _sample.Claims[262] = fact != PlatformFacts.SecureBoot;
        var evidence = _sample.Sign();
        Assert.Equal([expected], Reasons(Verify(evidence)));
        var lenient = _sample.Reference with { RequireMeasured = false, RequireSealedKey = false, RequireDmaProtection = false, RequireSecureBoot = false };
        Assert.True(Verify(evidence, lenient).IsGood);
    }

    [Theory]
    [InlineData(1, Refusal.Image)]
    [InlineData(2, Refusal.Policy)]
    [InlineData(3, Refusal.Image)]
    public void Another_image_is_refused(long claim, Refusal expected)
    {
        ((byte[])_sample.Report[claim])[0] ^= 1;
        Assert.Equal([expected], Reasons(Verify(_sample.Sign())));
    }

    [Fact]
    public void An_older_version_is_refused()
    {
        _sample.Report[4] = 4UL;
        Assert.Equal([Refusal.Counter], Reasons(Verify(_sample.Sign())));
    }

    [Fact]
    public void A_publisher_can_be_trusted_for_all_versions_of_a_name()
    {
        ((byte[])_sample.Report[1])[0] ^= 1;
        ((byte[])_sample.Report[2])[0] ^= 1;
        _sample.Report[4] = 9UL;
        var reference = _sample.Reference with { Images = [new ReferenceImage { Name = "sample", Publisher = SHA256.HashData("publisher"u8), MinimumCounter = 9 }] };
        Assert.True(Verify(_sample.Sign(), reference).IsGood);

        _sample.Claims.Remove(-70_007);
        _sample.Report[6] = "other";
        Assert.Equal([Refusal.Image], Reasons(Verify(_sample.Sign(), reference)));
    }

    [Fact]
    public void Debugging_is_refused()
    {
        _sample.Report[5] = true;
        Assert.Equal([Refusal.Debug], Reasons(Verify(_sample.Sign())));
        _sample.Claims[263] = 0UL;
        Assert.Equal([Refusal.Debug, Refusal.Debug], Reasons(Verify(_sample.Sign())));
        Assert.True(Verify(_sample.Sign(), _sample.Reference with { AllowDebug = true }).IsGood);
    }

    [Fact]
    public void A_development_platform_is_refused()
    {
        _sample.Claims[-70_001] = (ulong)_sample.Claims[-70_001] | (ulong)PlatformFacts.Development;
        _sample.Claims[263] = 0UL;
        Assert.Equal([Refusal.DevelopmentKey], Reasons(Verify(_sample.Sign())));
        Assert.True(Verify(_sample.Sign(), _sample.Reference with { AllowDevelopmentKey = true }).IsGood);
    }

    /// <summary>Whoever signs with the public key can leave the fact out: it is known anyway.</summary>
    [Fact]
    public void The_development_key_is_known_even_if_it_says_nothing()
    {
        var scalar = new byte[48];
        DevelopmentPlatform.ReadAttestKey(scalar);
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = scalar });
        Assert.Equal(Evidence.DevelopmentKey, Convert.ToHexStringLower(Sample.PublicOf(key)));
        _sample.Claims[-70_005] = Sample.PublicOf(key);
        var message = new byte[4096];
        var payload = _sample.Payload();
        var evidence = message[..DevelopmentPlatform.Sign(payload, message)];    // as the monitor signs
        Assert.Equal([Refusal.DevelopmentKey], Reasons(Verify(evidence, _sample.Reference with { Platforms = [Sample.PublicOf(key)] })));
    }

    [Fact]
    public void A_foreign_key_is_refused()
    {
        var other = new Sample();
        foreach (var (claim, value) in _sample.Claims.Where(pair => pair.Key != -70_005))
        {
            other.Claims[claim] = value;
        }

        Assert.Equal([Refusal.ForeignKey], Reasons(Verify(other.Sign())));

        // The key of another in it: the signature does not fit.
        other.Claims[-70_005] = _sample.Public;
        Assert.Equal([Refusal.Signature], Reasons(Verify(other.Sign())));
        other.Claims[-70_005] = new byte[96];
        Assert.Equal([Refusal.Signature], Reasons(Verify(other.Sign())));
    }

    [Fact]
    public void Another_nonce_is_a_replay()
    {
        var evidence = _sample.Sign();
        var nonce = RandomNumberGenerator.GetBytes(32);
        Assert.Equal([Refusal.Nonce], Reasons(EvidenceVerifier.Verify(evidence, _sample.Reference, new Expectation { Nonce = nonce })));
        Assert.True(EvidenceVerifier.Verify(evidence, _sample.Reference, new Expectation { Nonce = _sample.Nonce }).IsGood);
        Assert.True(EvidenceVerifier.Verify(evidence, _sample.Reference, new Expectation { Nonce = _sample.Nonce[..7] }).IsGood);
        Assert.Throws<ArgumentException>(() => EvidenceVerifier.Verify(evidence, _sample.Reference, new Expectation { Nonce = new byte[65] }));
    }

    [Fact]
    public void Data_of_the_container_is_compared()
    {
        var evidence = _sample.Sign();
        Assert.True(EvidenceVerifier.Verify(evidence, _sample.Reference, new Expectation { Nonce = _sample.Nonce[..32], Data = _sample.Nonce[32..] }).IsGood);
        Assert.Equal([Refusal.Data], Reasons(EvidenceVerifier.Verify(evidence, _sample.Reference, new Expectation { Nonce = _sample.Nonce[..32], Data = new byte[32] })));
    }

    /// <summary>Whatever bit of the message is changed: refused, and never an exception.</summary>
    [Fact]
    public void One_changed_bit_anywhere_is_refused()
    {
        var evidence = _sample.Sign();
        for (var bit = 0; bit < evidence.Length * 8; bit += 3)
        {
            byte[] changed = [.. evidence];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Verify(changed).IsGood, $"bit {bit}");
        }

        for (var length = 0; length < evidence.Length; length++)
        {
            Assert.False(Verify(evidence[..length]).IsGood, $"{length} bytes");
        }

        Assert.Equal([Refusal.Malformed], Reasons(Verify([.. evidence, 0])));
    }

    /// <summary>Signed by the platform, but not of this form.</summary>
    [Theory]
    [InlineData(10, new byte[0])]
    [InlineData(262, 1UL)]
    [InlineData(262, false)]
    [InlineData(265, "urn:blackbox:evidence:2")]
    [InlineData(-70_001, 0x40UL)]
    [InlineData(-70_002, "text")]
    [InlineData(-70_007, new byte[] { 0xa0 })]
    [InlineData(-70_007, new byte[] { 0xa1, 1, 2 })]
    [InlineData(-70_008, 1UL)]
    [InlineData(11, 1UL)]
    public void Another_form_is_refused(long claim, object value)
    {
        _sample.Claims[claim] = value;
        Assert.Equal([Refusal.Malformed], Reasons(Verify(_sample.Sign())));
    }

    [Fact]
    public void Reference_values_that_say_nothing_accept_nothing()
    {
        var verdict = Verify(_sample.Sign(), new ReferenceValues());
        Assert.Equal([Refusal.ForeignKey, Refusal.Monitor, Refusal.Shield, Refusal.Image], Reasons(verdict));
        Assert.Null(verdict.ContainerData);
    }

    [Fact]
    public void Reference_values_survive_json()
    {
        var reference = _sample.Reference with { Tpm = new ReferenceTpm { AttestationKeys = [new byte[32]], Registers = new Dictionary<int, byte[]> { [12] = new byte[32] } } };
        var json = reference.ToJson();
        Assert.Equal(json, ReferenceValues.Parse(json).ToJson());
        Assert.True(Verify(_sample.Sign(), ReferenceValues.Parse(json)).IsGood);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"version":2}""")]
    [InlineData("""{"monitor":[]}""")]
    [InlineData("""{"monitors":["00"]}""")]
    [InlineData("""{"monitors":["xy"]}""")]
    [InlineData("""{"monitors":null}""")]
    [InlineData("""{"monitors":[],"monitors":[]}""")]
    [InlineData("""{"platforms":["00"]}""")]
    [InlineData("""{"images":[{"name":"x"}]}""")]
    [InlineData("""{"tpm":{}}""")]
    public void Reference_values_of_another_form_are_refused(string json) => Assert.Throws<FormatException>(() => ReferenceValues.Parse(json));

    private Verdict Verify(byte[] evidence, ReferenceValues? reference = null) =>
        EvidenceVerifier.Verify(evidence, reference ?? _sample.Reference, new Expectation { Nonce = [.. _sample.Nonce.Take(32)] });

    private static Refusal[] Reasons(Verdict verdict)
    {
        Assert.False(verdict.IsGood);
        return [.. verdict.Reasons.Select(reason => reason.Refusal)];
    }
}
