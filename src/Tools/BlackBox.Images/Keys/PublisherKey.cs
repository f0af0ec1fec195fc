using System.Security.Cryptography;
using System.Security.Cryptography.Cose;

namespace BlackBox.Images;

/// <summary>Who makes an image: a P-384 key pair. It signs manifests, and content keys are derived from it.</summary>
public sealed class PublisherKey : IDisposable
{
    private const int CoordinateLength = 48;

    private readonly ECDsa _key;

    private PublisherKey(ECDsa key)
    {
        _key = key;
        var parameters = key.ExportParameters(includePrivateParameters: false);
        Public = [.. parameters.Q.X!, .. parameters.Q.Y!];
        Digest = SHA256.HashData(Public);
    }

    /// <summary>X ‖ Y, 96 bytes.</summary>
    public byte[] Public { get; }

    /// <summary>SHA-256 of <see cref="Public"/>: by this the publisher is known.</summary>
    public byte[] Digest { get; }

    public static PublisherKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP384));

    /// <summary>The private key 1 to 2^384 given as 48 bytes; for tests that need the same key each time.</summary>
    public static PublisherKey FromScalar(ReadOnlySpan<byte> scalar) =>
        new(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = scalar.ToArray() }));

    /// <exception cref="InvalidDataException">Not a PEM file with an unencrypted private key of P-384.</exception>
    public static PublisherKey FromPem(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            var parameters = key.ExportParameters(includePrivateParameters: true);
            if (key.KeySize != 384 || parameters.D is null || parameters.Curve.Oid?.Value != "1.3.132.0.34")
            {
                throw new InvalidDataException("it is not a private key of the curve P-384");
            }

            return new PublisherKey(key);
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new InvalidDataException($"it holds no private key of the curve P-384 ({error.Message.TrimEnd('.')})", error);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>PKCS #8.</summary>
    public string ToPem() => _key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>SubjectPublicKeyInfo.</summary>
    public string ToPublicPem() => _key.ExportSubjectPublicKeyInfoPem() + "\n";

    /// <summary>COSE_Sign1 (RFC 9052) with ES384, tag 18, no header but the algorithm.</summary>
    internal byte[] Sign(byte[] payload)
    {
        using var deterministic = new DeterministicEcdsa(_key);
        return CoseSign1Message.SignEmbedded(payload, new CoseSigner(deterministic, HashAlgorithmName.SHA384));
    }

    /// <summary>A secret that belongs to this publisher and to one input.</summary>
    /// <param name="label">What it is for.</param>
    /// <param name="input">Digest of the input.</param>
    internal byte[] Derive(ReadOnlySpan<byte> label, ReadOnlySpan<byte> input)
    {
        var scalar = _key.ExportParameters(includePrivateParameters: true).D!;
        try
        {
            return HKDF.DeriveKey(HashAlgorithmName.SHA256, scalar, ImageFormat.KeyLength, info: [.. label, 0, .. input]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(scalar);
        }
    }

    /// <param name="publicKey">X ‖ Y.</param>
    /// <returns>null when the bytes are no point of the curve.</returns>
    internal static ECDsa? ImportPublic(ReadOnlySpan<byte> publicKey)
    {
        try
        {
            return ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP384,
                Q = new ECPoint { X = publicKey[..CoordinateLength].ToArray(), Y = publicKey[CoordinateLength..].ToArray() },
            });
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public void Dispose() => _key.Dispose();
}
