namespace BlackBox.Monitor;

/// <summary>Feature bits of the hypercall Version.</summary>
internal static class MonitorFeatures
{
    /// <summary>Every DMA master stands behind an IOMMU that the monitor controls.</summary>
    public const ulong Iommu = 1;

    /// <summary>Boot was measured.</summary>
    public const ulong Measured = 2;

    /// <summary>Entropy is deterministic: for benchmarks only.</summary>
    public const ulong Deterministic = 4;

    public static ulong Value { get; private set; }

    /// <summary>Boot.</summary>
    public static void Add(ulong feature) => Value |= feature;
}
