using System.Security.Cryptography;
using Xunit;

namespace BlackBox.Attestation.Tests;

/// <summary>A TPM's quote, made by a model of one from the TPM 2.0 Library's definitions.</summary>
public class EndorsementTests
{
    private const ushort RsaPkcs1 = TpmSample.RsaPkcs1;
    private const ushort RsaPss = TpmSample.RsaPss;
    private const ushort Ecdsa = TpmSample.Ecdsa;

    private readonly Sample _sample = new();
    private readonly Dictionary<int, byte[]> _registers = new() { [4] = SHA256.HashData([4]), [7] = SHA256.HashData([7]), [12] = SHA256.HashData([12]) };

    [Theory]
    [InlineData(Ecdsa)]
    [InlineData(RsaPkcs1)]
    [InlineData(RsaPss)]
    public void A_tpm_endorses_a_platform_that_is_not_named(ushort scheme)
    {
        var endorsement = Make(scheme);
        var evidence = _sample.Sign();
        var verdict = Verify(evidence, endorsement, endorsement);
        Assert.True(verdict.IsGood, string.Join("; ", verdict.Reasons));
        Assert.True(Verify(evidence, PlatformEndorsement.Parse(endorsement.ToJson()), endorsement).IsGood);
        Assert.Equal(Refusal.ForeignKey, Assert.Single(Verify(evidence, null, endorsement).Reasons).Refusal);
    }

    [Fact]
    public void Another_platform_another_tpm_and_other_values_are_refused()
    {
        var good = Make();
        Refused("another platform's key", Make(extra: SHA256.HashData("other"u8)));
        Refused("is not trusted", Make(), trusted: Make());
        Refused("register 12 has the value", good, change: registers => registers[12] = new byte[32]);
        Refused("register 9 was not quoted", good, change: registers => registers[9] = new byte[32]);
        var values = new Dictionary<int, byte[]>(good.Registers) { [12] = new byte[32] };
        Refused("not those that the TPM has signed", good with { Registers = values });
        values.Remove(12);
        Refused("is missing", good with { Registers = values });
        Refused("it was not made by a TPM", Make(magic: 0));
        Refused("it is no quote", Make(type: 0x8014));
        Refused("other banks", Make(bank: 4));
    }

    [Fact]
    public void One_changed_byte_anywhere_is_refused()
    {
        var good = Make();
        for (var at = 0; at < good.Quote.Length; at++)
        {
            byte[] changed = [.. good.Quote];
            changed[at] ^= 0x10;
            Assert.NotNull(Check(good with { Quote = changed }, good));
            Assert.NotNull(Check(good with { Quote = good.Quote[..at] }, good));
        }

        for (var at = 0; at < good.Signature.Length; at++)
        {
            byte[] changed = [.. good.Signature];
            changed[at] ^= 0x10;
            Assert.NotNull(Check(good with { Signature = changed }, good));
            Assert.NotNull(Check(good with { Signature = good.Signature[..at] }, good));
        }
    }

    /// <summary>The TPM speaks of both keys: nobody makes images for a key that is another's.</summary>
    [Fact]
    public void Another_unwrapping_key_is_refused()
    {
        var endorsement = Make();
        ((byte[])_sample.Claims[-70_006])[0] ^= 1;
        Assert.Equal(Refusal.Endorsement, Assert.Single(Verify(_sample.Sign(), endorsement, endorsement).Reasons).Refusal);
    }

    [Fact]
    public void Endorsements_of_another_form_are_refused()
    {
        var good = Make().ToJson();
        _ = PlatformEndorsement.Parse(good);
        foreach (var bad in (string[])["", "null", "[]", "{}", good[..^3], good.Replace("\"quote\": \"", "\"quote\": \"?", StringComparison.Ordinal), good.Replace("\"12\": \"", "\"x\": \"", StringComparison.Ordinal)])
        {
            Assert.NotEqual(good, bad);
            Assert.Throws<FormatException>(() => PlatformEndorsement.Parse(bad));
        }

        foreach (var name in (string[])["attestationKey", "quote", "signature", "registers"])
        {
            var node = System.Text.Json.Nodes.JsonNode.Parse(good)!.AsObject();
            node[name] = null;
            Assert.Throws<FormatException>(() => PlatformEndorsement.Parse(node.ToJsonString()));
            _ = node.Remove(name);
            Assert.Throws<FormatException>(() => PlatformEndorsement.Parse(node.ToJsonString()));
        }

        var registers = System.Text.Json.Nodes.JsonNode.Parse(good)!.AsObject();
        registers["registers"]!["12"] = null;
        Assert.Throws<FormatException>(() => PlatformEndorsement.Parse(registers.ToJsonString()));
    }

    private byte[] Unwrapping => (byte[])_sample.Claims[-70_006];

    private void Refused(string message, PlatformEndorsement endorsement, PlatformEndorsement? trusted = null, Action<Dictionary<int, byte[]>>? change = null)
    {
        var registers = new Dictionary<int, byte[]>(_registers);
        change?.Invoke(registers);
        Assert.Contains(message, endorsement.Check(_sample.Public, Unwrapping, Reference(trusted ?? endorsement, registers)) ?? "good", StringComparison.Ordinal);
    }

    private string? Check(PlatformEndorsement endorsement, PlatformEndorsement trusted) => endorsement.Check(_sample.Public, Unwrapping, Reference(trusted, _registers));

    private Verdict Verify(byte[] evidence, PlatformEndorsement? endorsement, PlatformEndorsement trusted) => EvidenceVerifier.Verify(
        evidence, _sample.Reference with { Platforms = [], Tpm = Reference(trusted, _registers) }, new Expectation { Nonce = _sample.Nonce, Endorsement = endorsement });

    private static ReferenceTpm Reference(PlatformEndorsement trusted, Dictionary<int, byte[]> registers) =>
        new() { AttestationKeys = [SHA256.HashData(trusted.AttestationKey)], Registers = registers };

    private PlatformEndorsement Make(ushort scheme = Ecdsa, byte[]? extra = null, uint magic = 0xff544347, ushort type = 0x8018, ushort bank = 0x000b) =>
        TpmSample.Endorse(extra ?? SHA256.HashData([.. _sample.Public, .. Unwrapping]), _registers, scheme, magic, type, bank);
}
