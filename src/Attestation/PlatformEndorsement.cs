using System.Security.Cryptography;
using System.Text.Json;

namespace BlackBox.Attestation;

/// <summary>
/// A TPM's word for a platform's keys: a quote over the registers that hold what was started, whose extra data is the SHA-256 of the
/// platform's attestation key and unwrapping key. The monitor asks for it at boot, before anybody else can use the TPM.
/// </summary>
public sealed record PlatformEndorsement
{
    private const ushort AlgorithmSha256 = 0x000b;
    private const ushort SchemeRsaPkcs1 = 0x0014;
    private const ushort SchemeRsaPss = 0x0016;
    private const ushort SchemeEcdsa = 0x0018;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        WriteIndented = true,
    };

    /// <summary>The TPM's attestation key, DER SubjectPublicKeyInfo: RSA, or ECDSA over P-256 or P-384.</summary>
    public required byte[] AttestationKey { get; init; }

    /// <summary>TPMS_ATTEST.</summary>
    public required byte[] Quote { get; init; }

    /// <summary>TPMT_SIGNATURE over it, with SHA-256.</summary>
    public required byte[] Signature { get; init; }

    /// <summary>Values of the quoted registers (SHA-256 bank).</summary>
    public required IReadOnlyDictionary<int, byte[]> Registers { get; init; }

    /// <summary>Reads the JSON form: the four properties in camelCase, bytes in base64.</summary>
    /// <exception cref="FormatException">It is not of this form.</exception>
    public static PlatformEndorsement Parse(string json)
    {
        PlatformEndorsement endorsement;
        try
        {
            endorsement = JsonSerializer.Deserialize<PlatformEndorsement>(json, Json) ?? throw new FormatException("the endorsement is null");
        }
        catch (JsonException error)
        {
            throw new FormatException($"the endorsement: {error.Message}", error);
        }

        // Whoever asks to be believed writes this file.
        return endorsement.Registers.Values.All(value => value is not null) ? endorsement : throw new FormatException("the endorsement: a register's value is null");
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <summary>Checks it all.</summary>
    /// <param name="attestationKey">the platform's key that signs evidence, X ‖ Y</param>
    /// <param name="unwrappingKey">the platform's key that content keys are wrapped for, X ‖ Y</param>
    /// <param name="reference">which TPMs, and which values</param>
    /// <returns>what is wrong; null: nothing</returns>
    public string? Check(ReadOnlySpan<byte> attestationKey, ReadOnlySpan<byte> unwrappingKey, ReferenceTpm reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        var name = SHA256.HashData(AttestationKey);
        if (!reference.AttestationKeys.Any(key => key.AsSpan().SequenceEqual(name)))
        {
            return $"the TPM's key (SHA-256 {Convert.ToHexStringLower(name)}) is not trusted";
        }

        TpmQuote quote;
        try
        {
            if (!IsSignatureGood())
            {
                return "the TPM's signature is wrong";
            }

            quote = TpmQuote.Parse(Quote);
        }
        catch (Exception error) when (error is EvidenceFormatException or CryptographicException)
        {
            return error.Message;
        }

        if (!quote.ExtraData.AsSpan().SequenceEqual(SHA256.HashData([.. attestationKey, .. unwrappingKey])))
        {
            return "the TPM speaks of another platform's keys";
        }

        if (quote.Registers.Any(index => !Registers.ContainsKey(index)))
        {
            return "the value of a quoted register is missing";
        }

        if (!SHA256.HashData([.. quote.Registers.SelectMany(index => Registers[index])]).AsSpan().SequenceEqual(quote.RegisterDigest))
        {
            return "the registers' values are not those that the TPM has signed";
        }

        foreach (var (index, value) in reference.Registers.OrderBy(pair => pair.Key))
        {
            if (!quote.Registers.Contains(index))
            {
                return $"register {index} was not quoted";
            }

            if (!Registers[index].AsSpan().SequenceEqual(value))
            {
                return $"register {index} has the value {Convert.ToHexStringLower(Registers[index])}: something else was started";
            }
        }

        return null;
    }

    private bool IsSignatureGood()
    {
        var reader = new TpmQuote.Reader(Signature);
        var scheme = (ushort)reader.Number(2);
        TpmQuote.Require(reader.Number(2) == AlgorithmSha256, "it is signed with another hash than SHA-256");
        if (scheme == SchemeEcdsa)
        {
            var r = reader.Sized();
            var s = reader.Sized();
            TpmQuote.Require(reader.IsAtEnd, "bytes behind its signature");
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(AttestationKey, out _);
            var length = (key.KeySize + 7) / 8;
            byte[] signatureOfBoth = [.. Padded(r, length), .. Padded(s, length)];
            return key.VerifyData(Quote, signatureOfBoth, HashAlgorithmName.SHA256);
        }

        TpmQuote.Require(scheme is SchemeRsaPkcs1 or SchemeRsaPss, "its signature scheme is not known");
        var signature = reader.Sized();
        TpmQuote.Require(reader.IsAtEnd, "bytes behind its signature");
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(AttestationKey, out _);
        return rsa.VerifyData(Quote, signature, HashAlgorithmName.SHA256, scheme == SchemeRsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
    }

    private static byte[] Padded(ReadOnlySpan<byte> number, int length)
    {
        TpmQuote.Require(number.Length <= length, "its signature is too long");
        return [.. new byte[length - number.Length], .. number];
    }
}
