namespace BlackBox.Attestation;

/// <summary>What the shield said of its container. True as far as the shield is the one that the reference values name.</summary>
public sealed record ContainerReport
{
    /// <summary>SHA-256 of the image's manifest, as its publisher signed it.</summary>
    public required byte[] ManifestDigest { get; init; }

    /// <summary>SHA-256 of the policy in it.</summary>
    public required byte[] PolicyDigest { get; init; }

    /// <summary>SHA-256 of the publisher's public key.</summary>
    public required byte[] PublisherDigest { get; init; }

    /// <summary>The image's version counter.</summary>
    public required ulong Counter { get; init; }

    /// <summary>Does the policy allow debugging?</summary>
    public required bool IsDebug { get; init; }

    /// <summary>The image's name; null if it is longer than 256 bytes.</summary>
    public string? Name { get; init; }

    /// <exception cref="EvidenceFormatException">It is no such report.</exception>
    public static ContainerReport Parse(ReadOnlyMemory<byte> data)
    {
        var reader = new ClaimReader(data, "the shield's report", 5, 6);
        var report = new ContainerReport
        {
            ManifestDigest = reader.Bytes(1, Evidence.DigestLength),
            PolicyDigest = reader.Bytes(2, Evidence.DigestLength),
            PublisherDigest = reader.Bytes(3, Evidence.DigestLength),
            Counter = reader.Number(4),
            IsDebug = reader.Boolean(5),
            Name = reader.Left > 0 ? reader.Text(6) : null,
        };
        reader.End();
        return report;
    }
}
