using System.Security.Cryptography;

namespace BlackBox.Samples.KeyRelease;

/// <summary>
/// Encryption to a public key: ephemeral ECDH (P-256 or P-384), HKDF-SHA-256, AES-256-GCM. The AES key is bound to both public keys and to
/// the context (nonce and evidence of the exchange), and encrypts one message only, so that its GCM nonce may be constant.
/// </summary>
public static class SealedBox
{
    /// <summary>The longest DER SubjectPublicKeyInfo that is taken, in bytes; one of P-384 has 120.</summary>
    public const int MaximumKeyLength = 256;

    private const int KeyLength = 32;
    private const int TagLength = 16;
    private const int GcmNonceLength = 12;

    /// <summary>Encrypts.</summary>
    /// <param name="publicKey">The recipient's, DER SubjectPublicKeyInfo.</param>
    /// <param name="secret">What only the recipient may read.</param>
    /// <param name="context">What both sides must agree on.</param>
    /// <exception cref="CryptographicException">It is no key of P-256 or P-384.</exception>
    public static ReleasedSecret Seal(byte[] publicKey, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> context)
    {
        using var recipient = Import(publicKey);
        using var ephemeral = ECDiffieHellman.Create(CurveOf(recipient));
        var ephemeralKey = ephemeral.ExportSubjectPublicKeyInfo();
        var key = Agree(ephemeral, recipient, publicKey, ephemeralKey, context);
        try
        {
            using var cipher = new AesGcm(key, TagLength);
            var ciphertext = new byte[secret.Length + TagLength];
            cipher.Encrypt(new byte[GcmNonceLength], secret, ciphertext.AsSpan(0, secret.Length), ciphertext.AsSpan(secret.Length), context);
            return new ReleasedSecret(ephemeralKey, ciphertext);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>Decrypts.</summary>
    /// <exception cref="CryptographicException">It was made for another key or another context, or altered.</exception>
    public static byte[] Open(ECDiffieHellman own, ReleasedSecret box, ReadOnlySpan<byte> context)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(box);
        using var ephemeral = Import(box.EphemeralKey);
        if (ephemeral.KeySize != own.KeySize || box.Ciphertext.Length < TagLength)
        {
            throw new CryptographicException("the message is damaged");
        }

        var key = Agree(own, ephemeral, own.ExportSubjectPublicKeyInfo(), box.EphemeralKey, context);
        try
        {
            using var cipher = new AesGcm(key, TagLength);
            var secret = new byte[box.Ciphertext.Length - TagLength];
            cipher.Decrypt(new byte[GcmNonceLength], box.Ciphertext.AsSpan(0, secret.Length), box.Ciphertext.AsSpan(secret.Length), secret, context);
            return secret;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>Reads a public key and nothing but one: a point of the curve, and no byte behind it.</summary>
    /// <exception cref="CryptographicException">It is none of P-256 or P-384.</exception>
    public static ECDiffieHellman Import(byte[] publicKey)
    {
        ArgumentNullException.ThrowIfNull(publicKey);
        var key = ECDiffieHellman.Create();
        try
        {
            var isWhole = publicKey.Length <= MaximumKeyLength;
            if (isWhole)
            {
                key.ImportSubjectPublicKeyInfo(publicKey, out var read);
                isWhole = read == publicKey.Length;
            }

            _ = isWhole ? CurveOf(key) : throw new CryptographicException("no public key of P-256 or P-384");
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private static ECCurve CurveOf(ECDiffieHellman key)
    {
        var curve = key.ExportParameters(includePrivateParameters: false).Curve;
        return (curve.IsNamed ? curve.Oid.Value ?? curve.Oid.FriendlyName : null) switch
        {
            "1.2.840.10045.3.1.7" or "nistP256" or "ECDSA_P256" => ECCurve.NamedCurves.nistP256,
            "1.3.132.0.34" or "nistP384" or "ECDSA_P384" => ECCurve.NamedCurves.nistP384,
            _ => throw new CryptographicException("no public key of P-256 or P-384"),
        };
    }

    private static byte[] Agree(ECDiffieHellman own, ECDiffieHellman other, byte[] recipientKey, byte[] ephemeralKey, ReadOnlySpan<byte> context)
    {
        var shared = own.DeriveRawSecretAgreement(other.PublicKey);
        try
        {
            var key = new byte[KeyLength];
            byte[] info = [.. "blackbox key release 1"u8, .. SHA256.HashData(recipientKey), .. SHA256.HashData(ephemeralKey), .. SHA256.HashData(context)];
            HKDF.DeriveKey(HashAlgorithmName.SHA256, shared, key, salt: default, info);
            return key;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
        }
    }
}
