using System.Buffers.Binary;
using System.Security.Cryptography;
using BlackBox.Attestation;

namespace BlackBox.Boot;

/// <summary>
/// A TPM's signed word for the registers of a boot (TPMS_ATTEST of TPM2_Quote; TPM 2.0 Library, part 2, chapter 10.12), as the monitor's loader has it made: PCR 0 to 7
/// and 12 of SHA-256, signed by a restricted P-256 key.
/// </summary>
public sealed class TpmQuote
{
    /// <summary>The registers, in the order in which <see cref="RegistersDigest"/> has them.</summary>
    public static IReadOnlyList<int> Registers { get; } = [0, 1, 2, 3, 4, 5, 6, 7, 12];

    // TPMT_PUBLIC of such a key up to X, as PlatformQuote.cs asks for it, without the sizes of X and Y.
    private const string KeyTemplate = "0023000b0005047200000010" + "0018000b00030010";

    private TpmQuote(byte[] qualifier, byte[] registersDigest) => (Qualifier, RegistersDigest) = (qualifier, registersDigest);

    /// <summary>What the loader gave the TPM to sign along: SHA-256 of the platform's public keys.</summary>
    public byte[] Qualifier { get; }

    /// <summary>SHA-256 of the registers' contents, one after another.</summary>
    public byte[] RegistersDigest { get; }

    /// <summary>Checks the signature, that the key signs nothing but a TPM's own words, and that the quote is one over our registers. Whose key it is, is another question.</summary>
    /// <param name="quote">TPMS_ATTEST</param>
    /// <param name="signature">TPMT_SIGNATURE</param>
    /// <param name="key">TPMT_PUBLIC</param>
    /// <exception cref="FormatException">Something of it is not so; the message says what.</exception>
    public static TpmQuote Verify(byte[] quote, byte[] signature, byte[] key)
    {
        ArgumentNullException.ThrowIfNull(quote);
        try
        {
            using var signer = ReadKey(key);
            if (!signer.VerifyData(quote, ReadSignature(signature), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
            {
                throw new FormatException("the quote's signature is wrong");
            }

            return Read(quote);
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or CryptographicException or EvidenceFormatException)
        {
            throw new FormatException("the quote is malformed", error);
        }
    }

    private static TpmQuote Read(ReadOnlySpan<byte> bytes)
    {
        var quote = Attestation.TpmQuote.Parse(bytes);
        return quote.Registers.SequenceEqual(Registers) ? new TpmQuote(quote.ExtraData, quote.RegisterDigest) : throw new FormatException("a quote over other registers");
    }

    /// <summary>The key that signed, from TPMT_PUBLIC.</summary>
    internal static ECDsa ReadKey(ReadOnlySpan<byte> key)
    {
        var template = Convert.FromHexString(KeyTemplate);
        if (!key.StartsWith(template))
        {
            throw new FormatException("the quote's key is not a restricted one of P-256");
        }

        var rest = key[template.Length..];
        var x = Padded(Sized(ref rest));
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = Padded(Sized(ref rest)) } });
    }

    private static byte[] ReadSignature(ReadOnlySpan<byte> signature)
    {
        if (BinaryPrimitives.ReadUInt32BigEndian(signature) != 0x0018000b)
        {
            throw new FormatException("the quote is not signed by ECDSA with SHA-256");
        }

        var rest = signature[4..];
        var r = Padded(Sized(ref rest));
        return [.. r, .. Padded(Sized(ref rest))];
    }

    private static byte[] Sized(ref ReadOnlySpan<byte> rest)
    {
        var value = rest.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(rest)).ToArray();
        rest = rest[(2 + value.Length)..];
        return value;
    }

    // A TPM may leave out leading zeros.
    private static byte[] Padded(byte[] number) => number.Length <= 32 ? [.. new byte[32 - number.Length], .. number] : throw new FormatException("a number is too long");
}
