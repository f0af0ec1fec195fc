namespace BlackBox.Images;

/// <summary>How much an archive may hold before it is refused.</summary>
/// <param name="Bytes">Uncompressed bytes of all layers together.</param>
/// <param name="Entries">Entries of all layers together.</param>
/// <param name="Layers">Layers.</param>
public sealed record ReadLimits(long Bytes = 32L << 30, int Entries = 2_000_000, int Layers = 512);
