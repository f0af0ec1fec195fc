using System.Numerics;
using System.Security.Cryptography;

namespace BlackBox.Images;

/// <summary>
/// ECDSA over P-384 with SHA-384 whose signatures depend on key and message alone (RFC 6979), so that equal input gives
/// an equal image. The curve's arithmetic is the platform's; only the two equations modulo the group order are done here.
/// </summary>
internal sealed class DeterministicEcdsa : ECDsa
{
    private const int Length = 48;

    // n of P-384 (FIPS 186-4, D.1.2.4).
    private static readonly BigInteger Order = Integer(Convert.FromHexString(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973"));

    private readonly byte[] _scalar;
    private readonly ECDsa _inner;

    /// <param name="key">A P-384 key with its private part; stays the caller's.</param>
    public DeterministicEcdsa(ECDsa key)
    {
        _inner = key;
        _scalar = key.ExportParameters(includePrivateParameters: true).D!;
        KeySizeValue = 384;
    }

    public override KeySizes[] LegalKeySizes => [new KeySizes(384, 384, 0)];

    public override ECParameters ExportParameters(bool includePrivateParameters) => _inner.ExportParameters(includePrivateParameters);

    public override bool VerifyHash(byte[] hash, byte[] signature) => _inner.VerifyHash(hash, signature);

    /// <returns>r ‖ s, 48 bytes each (IEEE P1363).</returns>
    public override byte[] SignHash(byte[] hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        if (hash.Length != Length)
        {
            throw new CryptographicException("only SHA-384 goes with this key");
        }

        var d = Integer(_scalar);
        var z = Integer(hash) % Order;
        var (k, v) = (new byte[Length], new byte[Length]);
        Array.Fill(v, (byte)1);

        // RFC 6979, section 3.2, d to g. bits2octets(hash) = z as an octet string, since the hash is as long as the order.
        k = Mac(k, [.. v, 0, .. _scalar, .. Octets(z)]);
        v = Mac(k, v);
        k = Mac(k, [.. v, 1, .. _scalar, .. Octets(z)]);
        v = Mac(k, v);
        while (true)
        {
            v = Mac(k, v);
            var nonce = Integer(v);
            if (nonce > 0 && nonce < Order)
            {
                var r = PointX(v) % Order;
                var s = BigInteger.ModPow(nonce, Order - 2, Order) * (z + (r * d)) % Order;
                if (r != 0 && s != 0)
                {
                    return [.. Octets(r), .. Octets(s)];
                }
            }

            k = Mac(k, [.. v, 0]);
            v = Mac(k, v);
        }
    }

    protected override bool TrySignHashCore(ReadOnlySpan<byte> hash, Span<byte> destination, DSASignatureFormat signatureFormat, out int bytesWritten)
    {
        var signature = SignHashCore(hash, signatureFormat);
        bytesWritten = signature.Length;
        return signature.AsSpan().TryCopyTo(destination);
    }

    protected override byte[] SignHashCore(ReadOnlySpan<byte> hash, DSASignatureFormat signatureFormat) =>
        signatureFormat == DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            ? SignHash(hash.ToArray())
            : throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        CryptographicOperations.ZeroMemory(_scalar);
        base.Dispose(disposing);
    }

    /// <summary>x of k·G: the public key that belongs to k.</summary>
    private static BigInteger PointX(byte[] k)
    {
        using var point = Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = k });
        return Integer(point.ExportParameters(includePrivateParameters: false).Q.X!);
    }

    private static byte[] Mac(byte[] key, byte[] data) => HMACSHA384.HashData(key, data);

    private static BigInteger Integer(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Octets(BigInteger value)
    {
        var bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[Length - bytes.Length], .. bytes];
    }
}
