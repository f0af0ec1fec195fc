using System.Security.Cryptography;

namespace BlackBox.Images;

/// <summary>A platform that images are made for: the P-384 key that content keys are wrapped for. The private half never leaves a monitor,
/// except that of development builds, which is no secret.</summary>
public sealed class PlatformKey
{
    /// <summary>Bytes of a public key: X ‖ Y.</summary>
    public const int PublicLength = 96;

    /// <summary>Bytes of <see cref="Id"/>.</summary>
    public const int IdLength = 8;

    private const int CoordinateLength = PublicLength / 2;

    private readonly byte[]? _privateKey;

    private PlatformKey(string name, ECParameters parameters)
    {
        Name = name;
        Public = [.. parameters.Q.X!, .. parameters.Q.Y!];
        Id = SHA256.HashData(Public)[..IdLength];
        _privateKey = parameters.D;
    }

    /// <summary>Development builds of the monitor.</summary>
    public static PlatformKey Development { get; } = MakeDevelopment();

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>X ‖ Y, 96 bytes.</summary>
    public byte[] Public { get; }

    /// <summary>The first bytes of SHA-256 of <see cref="Public"/>: by this a wrapped key names its platform.</summary>
    public byte[] Id { get; }

    /// <summary>Can it open what was wrapped for it?</summary>
    public bool HasPrivateKey => _privateKey is not null;

    /// <summary>A new platform with both halves; for tests.</summary>
    public static PlatformKey Create(string name)
    {
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        return new PlatformKey(name, key.ExportParameters(includePrivateParameters: true));
    }

    /// <param name="name">what messages call it</param>
    /// <param name="publicKey">X ‖ Y, 96 bytes</param>
    /// <exception cref="InvalidDataException">It is no point of P-384.</exception>
    public static PlatformKey FromPublic(string name, ReadOnlySpan<byte> publicKey)
    {
        if (publicKey.Length != PublicLength)
        {
            throw new InvalidDataException($"a platform's public key has {PublicLength} bytes");
        }

        try
        {
            using var key = ECDiffieHellman.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP384,
                Q = new ECPoint { X = publicKey[..CoordinateLength].ToArray(), Y = publicKey[CoordinateLength..].ToArray() },
            });
            return new PlatformKey(name, key.ExportParameters(includePrivateParameters: false));
        }
        catch (CryptographicException error)
        {
            throw new InvalidDataException("it is no point of the curve P-384", error);
        }
    }

    /// <exception cref="InvalidDataException">Not a PEM file ("PUBLIC KEY") with a key of P-384.</exception>
    public static PlatformKey FromPem(string name, string pem)
    {
        try
        {
            using var key = ECDiffieHellman.Create();
            key.ImportFromPem(pem);
            var parameters = key.ExportParameters(includePrivateParameters: false);
            return key.KeySize == 384 && parameters.Curve.Oid?.Value == "1.3.132.0.34"
                ? new PlatformKey(name, parameters)
                : throw new InvalidDataException("it is not a public key of the curve P-384");
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException)
        {
            throw new InvalidDataException($"it holds no public key of the curve P-384 ({error.Message.TrimEnd('.')})", error);
        }
    }

    /// <summary>The public half as PEM (SubjectPublicKeyInfo).</summary>
    public string ToPem()
    {
        using var key = Open(includePrivate: false);
        return key.ExportSubjectPublicKeyInfoPem() + "\n";
    }

    /// <summary>The key for the platform's own cryptography; the caller's to dispose.</summary>
    internal ECDiffieHellman Open(bool includePrivate) => ECDiffieHellman.Create(new ECParameters
    {
        Curve = ECCurve.NamedCurves.nistP384,
        Q = new ECPoint { X = Public[..CoordinateLength], Y = Public[CoordinateLength..] },
        D = includePrivate ? _privateKey : null,
    });

    private static PlatformKey MakeDevelopment()
    {
        var scalar = new byte[CoordinateLength];
        DevelopmentPlatform.ReadUnwrapKey(scalar);
        using var key = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, D = scalar });
        return new PlatformKey("development", key.ExportParameters(includePrivateParameters: true));
    }
}
