using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.Cose;

namespace BlackBox.Attestation.Tests;

/// <summary>Evidence of an imaginary platform, made by .NET's own classes, with any claim as a test wants it.</summary>
internal sealed class Sample
{
    public Sample()
    {
        Key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Public = PublicOf(Key);
        Claims = new SortedDictionary<long, object>(new ClaimOrder())
        {
            [10] = RandomNumberGenerator.GetBytes(64),
            [262] = true,
            [263] = 2UL,
            [265] = Evidence.ProfileName,
            [-70_000] = 1UL,
            [-70_001] = (ulong)(PlatformFacts.Measured | PlatformFacts.SecureBoot | PlatformFacts.SealedKey | PlatformFacts.DmaProtection),
            [-70_002] = SHA256.HashData("monitor"u8),
            [-70_003] = SHA256.HashData("boot manifest"u8),
            [-70_004] = SHA256.HashData("shield"u8),
            [-70_005] = Public,
            [-70_006] = RandomNumberGenerator.GetBytes(96),
        };
        Report = new SortedDictionary<long, object>
        {
            [1] = SHA256.HashData("manifest"u8),
            [2] = SHA256.HashData("policy"u8),
            [3] = SHA256.HashData("publisher"u8),
            [4] = 5UL,
            [5] = false,
            [6] = "sample",
        };
    }

    public ECDsa Key { get; set; }

    public byte[] Public { get; }

    public SortedDictionary<long, object> Claims { get; }

    public SortedDictionary<long, object> Report { get; }

    public byte[] Nonce => (byte[])Claims[10];

    /// <summary>Exactly what the sample says.</summary>
    public ReferenceValues Reference => new()
    {
        Platforms = [Public],
        Monitors = [SHA256.HashData("monitor"u8)],
        BootManifests = [SHA256.HashData("boot manifest"u8)],
        Shields = [SHA256.HashData("shield"u8)],
        Images =
        [
            new ReferenceImage
            {
                Name = "sample",
                Manifest = SHA256.HashData("manifest"u8),
                Policy = SHA256.HashData("policy"u8),
                Publisher = SHA256.HashData("publisher"u8),
                MinimumCounter = 5,
            },
        ],
    };

    public static byte[] PublicOf(ECDsa key)
    {
        var q = key.ExportParameters(false).Q;
        return [.. q.X!, .. q.Y!];
    }

    public byte[] Payload()
    {
        if (!Claims.ContainsKey(-70_007))
        {
            Claims[-70_007] = Encode(Report);
        }

        return Encode(Claims);
    }

    public byte[] Sign() => Sign(Payload());

    public byte[] Sign(byte[] payload) => CoseSign1Message.SignEmbedded(payload, new CoseSigner(Key, HashAlgorithmName.SHA384));

    public static byte[] Encode(IReadOnlyDictionary<long, object> claims)
    {
        var writer = new CborWriter(CborConformanceMode.Lax);
        writer.WriteStartMap(claims.Count);
        foreach (var (claim, value) in claims)
        {
            writer.WriteInt64(claim);
            switch (value)
            {
                case byte[] bytes:
                    writer.WriteByteString(bytes);
                    break;
                case string text:
                    writer.WriteTextString(text);
                    break;
                case bool boolean:
                    writer.WriteBoolean(boolean);
                    break;
                case ulong number:
                    writer.WriteUInt64(number);
                    break;
                default:
                    writer.WriteNull();
                    break;
            }
        }

        writer.WriteEndMap();
        return writer.Encode();
    }

    // As deterministic CBOR orders keys: numbers from 0 upwards, then negative ones downwards.
    private sealed class ClaimOrder : IComparer<long>
    {
        public int Compare(long x, long y) => x >= 0 && y >= 0 ? x.CompareTo(y) : x < 0 && y < 0 ? y.CompareTo(x) : y.CompareTo(x);
    }
}
