using System.Security.Cryptography;
using Xunit;

namespace BlackBox.Attestation.Tests;

/// <summary>
/// Every claim of evidence and of the report in it, changed alone: once by somebody without the platform's key, once by the platform itself.
/// A claim that has no case here fails these tests; so does a reason for refusal that none of them gives.
/// </summary>
public class ClaimTests
{
    /// <summary>The claim that holds the shield's report.</summary>
    private const long ReportClaim = -70_007;

    private readonly Sample _sample = new();

    /// <summary>What is made of a claim, and the reason for which it is refused then. Null: the verifier reports it and leaves the judgement to others.</summary>
    /// <param name="Value">the new value, from the old one</param>
    /// <param name="Expected">the only reason</param>
    private sealed record Case(Func<object, object> Value, Refusal? Expected);

    private static readonly Dictionary<long, Case[]> Claims = new()
    {
        [10] = [new(Flip(0), Refusal.Nonce), new(Flip(31), Refusal.Nonce), new(Flip(32), Refusal.Data), new(Flip(63), Refusal.Data), new(Cut, Refusal.Malformed), new(_ => "text", Refusal.Malformed)],
        [262] = [new(_ => false, Refusal.Malformed), new(_ => 1UL, Refusal.Malformed)],
        [263] = [new(_ => 0UL, Refusal.Debug), new(_ => 1UL, Refusal.Debug), new(_ => 5UL, Refusal.Malformed), new(_ => ulong.MaxValue, Refusal.Malformed), new(_ => false, Refusal.Malformed)],
        [265] = [new(_ => "urn:blackbox:evidence:2", Refusal.Malformed), new(_ => "", Refusal.Malformed), new(_ => new byte[3], Refusal.Malformed)],

        // Which hypercalls the monitor knows: its digest says all about it that matters.
        [-70_000] = [new(_ => 2UL, null), new(_ => "1", Refusal.Malformed)],
        [-70_001] =
        [
            new(Without(PlatformFacts.Measured), Refusal.NotMeasured),
            new(Without(PlatformFacts.SecureBoot), Refusal.Malformed),    // contradicts 262
            new(Without(PlatformFacts.SealedKey), Refusal.KeyNotSealed),
            new(Without(PlatformFacts.DmaProtection), Refusal.DmaProtection),
            new(facts => (ulong)facts | (ulong)PlatformFacts.Development, Refusal.DevelopmentKey),
            new(facts => (ulong)facts | 32, Refusal.Malformed),
            new(facts => (ulong)facts | (1UL << 63), Refusal.Malformed),
        ],
        [-70_002] = [new(Flip(0), Refusal.Monitor), new(Flip(31), Refusal.Monitor), new(Cut, Refusal.Malformed)],
        [-70_003] = [new(Flip(0), Refusal.BootManifest), new(_ => new byte[32], Refusal.BootManifest), new(Cut, Refusal.Malformed)],
        [-70_004] = [new(Flip(0), Refusal.Shield), new(Flip(31), Refusal.Shield), new(Cut, Refusal.Malformed)],
        [-70_005] = [new(Flip(0), Refusal.Signature), new(Flip(95), Refusal.Signature), new(_ => new byte[96], Refusal.Signature), new(Cut, Refusal.Malformed)],

        // Images are made for it: who takes it from evidence must have found the evidence good.
        [-70_006] = [new(Flip(0), null), new(Cut, Refusal.Malformed)],
        [ReportClaim] = [new(_ => Array.Empty<byte>(), Refusal.Malformed), new(_ => new byte[] { 0xa0 }, Refusal.Malformed), new(_ => new byte[513], Refusal.Malformed), new(report => (byte[])[.. (byte[])report, 0], Refusal.Malformed)],
    };

    private static readonly Dictionary<long, Case[]> Report = new()
    {
        [1] = [new(Flip(0), Refusal.Image), new(Flip(31), Refusal.Image), new(Cut, Refusal.Malformed)],
        [2] = [new(Flip(0), Refusal.Policy), new(Flip(31), Refusal.Policy), new(Cut, Refusal.Malformed)],
        [3] = [new(Flip(0), Refusal.Image), new(Flip(31), Refusal.Image), new(Cut, Refusal.Malformed)],
        [4] = [new(_ => 4UL, Refusal.Counter), new(_ => 0UL, Refusal.Counter), new(_ => "5", Refusal.Malformed)],
        [5] = [new(_ => true, Refusal.Debug), new(_ => 0UL, Refusal.Malformed)],

        // The digest of the manifest tells which image it is; the name counts for a publisher's images, see below.
        [6] = [new(_ => "another", null), new(_ => new byte[6], Refusal.Malformed)],
    };

    [Fact]
    public void Every_claim_has_a_case()
    {
        _ = _sample.Sign();
        Assert.Equal(_sample.Claims.Keys.Order(), Claims.Keys.Order());
        Assert.Equal(_sample.Report.Keys.Order(), Report.Keys.Order());
        Assert.True(Verify(_sample.Sign()).IsGood);
    }

    public static TheoryData<long, int, bool> Cases()
    {
        var data = new TheoryData<long, int, bool>();
        foreach (var (table, isReport) in new[] { (Claims, false), (Report, true) })
        {
            foreach (var (claim, cases) in table)
            {
                for (var i = 0; i < cases.Length; i++)
                {
                    data.Add(claim, i, isReport);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_claim_that_the_platform_itself_makes_otherwise_is_refused_for_its_reason(long claim, int number, bool isReport)
    {
        var wanted = (isReport ? Report : Claims)[claim][number];
        var nonce = _sample.Nonce;
        var verdict = Verify(_sample.Sign(Changed(claim, wanted, isReport)), nonce);
        Assert.Equal(wanted.Expected is { } refusal ? [refusal] : [], verdict.Reasons.Select(reason => reason.Refusal));
        Assert.Equal(wanted.Expected is null, verdict.IsGood);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_claim_that_somebody_changed_on_the_way_is_refused(long claim, int number, bool isReport)
    {
        var wanted = (isReport ? Report : Claims)[claim][number];
        var nonce = _sample.Nonce;
        var original = CoseSign1Of(_sample.Sign());
        var payload = Changed(claim, wanted, isReport);

        // The signature stays that of the original.
        byte[] message = [.. original.Head, .. ByteString(payload), .. original.Signature];
        var verdict = Verify(message, nonce);
        Assert.Equal([wanted.Expected == Refusal.Malformed ? Refusal.Malformed : Refusal.Signature], verdict.Reasons.Select(reason => reason.Refusal));
        Assert.False(verdict.IsGood);
        Assert.Null(verdict.ContainerData);
    }

    [Fact]
    public void Claims_are_neither_left_out_nor_twice_nor_in_another_order()
    {
        _ = _sample.Sign();
        foreach (var claim in _sample.Claims.Keys.ToList())
        {
            var less = _sample.Claims.Where(pair => pair.Key != claim).ToList();
            Assert.Equal([Refusal.Malformed], Reasons(_sample.Sign(EncodeList(less))));
            Assert.Equal([Refusal.Malformed], Reasons(_sample.Sign(EncodeList([.. less, new(claim, _sample.Claims[claim]), new(claim, _sample.Claims[claim])]))));
            if (claim != ReportClaim)
            {
                // The same twelve claims, this one last.
                Assert.Equal([Refusal.Malformed], Reasons(_sample.Sign(EncodeList([.. less, new(claim, _sample.Claims[claim])]))));
            }
        }

        foreach (var claim in _sample.Report.Keys.Where(claim => claim != 6))
        {
            _sample.Claims[ReportClaim] = Sample.Encode(_sample.Report.Where(pair => pair.Key != claim).ToDictionary());
            Assert.Equal([Refusal.Malformed], Reasons(_sample.Sign()));
        }
    }

    /// <summary>A report without a name (which was too long) is whole; but then no publisher's release of a name is it.</summary>
    [Fact]
    public void A_name_counts_where_the_publisher_is_trusted_for_it()
    {
        var reference = _sample.Reference with { Images = [new ReferenceImage { Name = "sample", Publisher = SHA256.HashData("publisher"u8) }] };
        Assert.True(Verify(_sample.Sign(), reference: reference).IsGood);
        _sample.Report[6] = "another";
        _sample.Claims.Remove(ReportClaim);
        Assert.Equal([Refusal.Image], Reasons(_sample.Sign(), reference));
        _sample.Report.Remove(6);
        _sample.Claims.Remove(ReportClaim);
        Assert.Equal([Refusal.Image], Reasons(_sample.Sign(), reference));
    }

    [Fact]
    public void A_replay_is_refused_whatever_it_answers()
    {
        var old = _sample.Sign();
        Assert.True(Verify(old).IsGood);
        for (var round = 0; round < 20; round++)
        {
            var verdict = EvidenceVerifier.Verify(old, _sample.Reference, new Expectation { Nonce = RandomNumberGenerator.GetBytes(32) });
            Assert.Equal([Refusal.Nonce], verdict.Reasons.Select(reason => reason.Refusal));
        }
    }

    /// <summary>A platform that is known by nothing but a TPM's word needs that word; one that is not known at all has no use for it.</summary>
    [Fact]
    public void A_missing_endorsement_is_refused()
    {
        var unknown = _sample.Reference with { Platforms = [] };
        Assert.Equal([Refusal.ForeignKey], Reasons(_sample.Sign(), unknown));
        var byTpm = unknown with { Tpm = new ReferenceTpm { AttestationKeys = [new byte[32]], Registers = new Dictionary<int, byte[]> { [12] = new byte[32] } } };
        var reason = Assert.Single(Verify(_sample.Sign(), reference: byTpm).Reasons);
        Assert.Equal(Refusal.ForeignKey, reason.Refusal);
        Assert.Contains("no endorsement", reason.Message, StringComparison.Ordinal);
    }

    /// <summary>All that is wrong is said, not only what comes first.</summary>
    [Fact]
    public void All_reasons_are_named()
    {
        foreach (var claim in (long[])[-70_002, -70_003, -70_004])
        {
            _sample.Claims[claim] = new byte[32];
        }

        _sample.Claims[262] = false;
        _sample.Claims[263] = 0UL;
        _sample.Claims[-70_001] = 0UL;
        _sample.Report[5] = true;
        _sample.Report[1] = new byte[32];
        Assert.Equal(
            [
                Refusal.Nonce, Refusal.Data, Refusal.NotMeasured, Refusal.SecureBoot, Refusal.KeyNotSealed, Refusal.DmaProtection,
                Refusal.Debug, Refusal.Debug, Refusal.Monitor, Refusal.BootManifest, Refusal.Shield, Refusal.Image,
            ],
            Verify(_sample.Sign(), new byte[64]).Reasons.Select(reason => reason.Refusal));
    }

    /// <summary>Anybody can sign evidence with a key of his own: what he writes into it must not write into a log or a terminal.</summary>
    [Fact]
    public void Reasons_hold_no_control_characters()
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        _sample.Key = own;
        _sample.Claims[-70_005] = Sample.PublicOf(own);
        _sample.Report[1] = new byte[32];
        _sample.Report[6] = "x\n1.2.3.4: secret released\u001b[2J\u202e";
        var verdict = Verify(_sample.Sign());
        Assert.Contains(verdict.Reasons, reason => reason.Message.Contains(@"x\u000A1.2.3.4", StringComparison.Ordinal));
        _sample.Claims[265] = "a\rb";
        Assert.All(verdict.Reasons.Concat(Verify(_sample.Sign()).Reasons), reason => Assert.DoesNotContain(reason.Message, letter => char.IsControl(letter) || letter == '\u202e'));
    }

    /// <summary>Each kind of refusal is somebody's expectation in these tests (Endorsement: EndorsementTests).</summary>
    [Fact]
    public void Every_reason_is_given_by_some_case()
    {
        var given = Claims.Values.Concat(Report.Values).SelectMany(cases => cases).Select(item => item.Expected).OfType<Refusal>()
            .Concat([Refusal.ForeignKey, Refusal.SecureBoot, Refusal.Endorsement]).Distinct().Order();
        Assert.Equal(Enum.GetValues<Refusal>().Order(), given);
    }

    private static Func<object, object> Flip(int at) => value =>
    {
        byte[] changed = [.. (byte[])value];
        changed[at] ^= 1;
        return changed;
    };

    private static byte[] Cut(object value) => ((byte[])value)[..^1];

    private static Func<object, object> Without(PlatformFacts fact) => facts => (ulong)facts & ~(ulong)fact;

    /// <summary>The payload with one claim changed.</summary>
    private byte[] Changed(long claim, Case wanted, bool isReport)
    {
        var table = isReport ? _sample.Report : _sample.Claims;
        _ = _sample.Payload();
        var value = wanted.Value(table[claim]);
        Assert.NotEqual(table[claim], value);
        table[claim] = value;
        if (isReport)
        {
            _sample.Claims.Remove(ReportClaim);
        }

        return _sample.Payload();
    }

    private static byte[] EncodeList(List<KeyValuePair<long, object>> claims)
    {
        var parts = claims.SelectMany(pair => Sample.Encode(new Dictionary<long, object> { [pair.Key] = pair.Value })[1..]);
        return [(byte)(0xa0 | claims.Count), .. parts];
    }

    /// <summary>What stands before the payload in a message, and what stands behind it.</summary>
    private static (byte[] Head, byte[] Signature) CoseSign1Of(byte[] message)
    {
        var payload = System.Security.Cryptography.Cose.CoseMessage.DecodeSign1(message).Content!.Value.ToArray();
        var at = message.AsSpan().IndexOf(payload);
        Assert.Equal(0x59, message[at - 3]);    // a byte string with two bytes of length
        return (message[..(at - 3)], message[(at + payload.Length)..]);
    }

    private static byte[] ByteString(byte[] content) => [0x59, (byte)(content.Length >> 8), (byte)content.Length, .. content];

    private Refusal[] Reasons(byte[] evidence, ReferenceValues? reference = null)
    {
        var verdict = Verify(evidence, reference: reference);
        Assert.False(verdict.IsGood);
        return [.. verdict.Reasons.Select(reason => reason.Refusal)];
    }

    private Verdict Verify(byte[] evidence, byte[]? nonce = null, ReferenceValues? reference = null)
    {
        nonce ??= _sample.Nonce;
        return EvidenceVerifier.Verify(evidence, reference ?? _sample.Reference, new Expectation { Nonce = nonce[..32], Data = nonce[32..] });
    }
}
