using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Hosting;

namespace BlackBox.Boot;

/// <summary>The key that boot manifests are signed with (ES384). Its public half is a part of the monitor.</summary>
public sealed class BootKeyPair : IDisposable
{
    private const string DevelopmentPhrase = "BlackBox development boot key v1";
    private readonly ECDsa _key;

    private BootKeyPair(ECDsa key) => _key = key;

    /// <summary>X, then Y, 48 bytes each, as the monitor holds it.</summary>
    public byte[] Public
    {
        get
        {
            var point = _key.ExportParameters(includePrivateParameters: false).Q;
            return [.. point.X!, .. point.Y!];
        }
    }

    /// <summary>The key of development builds. Everybody has it.</summary>
    public static BootKeyPair Development() => new(ECDsa.Create(new ECParameters
    {
        Curve = ECCurve.NamedCurves.nistP384,
        D = SHA384.HashData(Encoding.ASCII.GetBytes(DevelopmentPhrase)),
    }));

    /// <summary>A new key.</summary>
    public static BootKeyPair Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP384));

    /// <summary>A private key in PEM (PKCS #8).</summary>
    /// <exception cref="BlackBoxException">It is none, or not of P-384.</exception>
    public static BootKeyPair Read(string path)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(path));
            if (key.KeySize == 384 && key.ExportParameters(includePrivateParameters: false).Curve.Oid.FriendlyName is "nistP384" or "ECDSA_P384" or "secp384r1")
            {
                return new BootKeyPair(key);
            }
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException)
        {
            // Said below.
        }

        key.Dispose();
        throw new BlackBoxException($"{path} is not a private key of P-384 in PEM");
    }

    /// <summary>The private key in PEM, to keep.</summary>
    public string ToPem() => _key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>The C# file that a monitor is built with to trust this key and no other (property BootKey of the image project).</summary>
    public string ToSource()
    {
        var rows = Public.Chunk(16).Select(row => string.Join(", ", row.Select(value => string.Create(CultureInfo.InvariantCulture, $"0x{value:x2}"))));
        return $$"""
            using System;

            namespace BlackBox.Monitor;

            internal static class BootKey
            {
                public const bool IsDevelopment = false;

                public static ReadOnlySpan<byte> Public =>
                [
                    {{string.Join(",\n        ", rows)}},
                ];
            }

            """;
    }

    /// <returns>r, then s, 48 bytes each.</returns>
    internal byte[] Sign(ReadOnlySpan<byte> message) => _key.SignData(message.ToArray(), HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    public void Dispose() => _key.Dispose();
}
