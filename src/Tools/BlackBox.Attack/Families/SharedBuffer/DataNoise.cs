namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DataNoise() : DisturbedBuffer("buffer-data-noise", "writes random words into the data area during every call", 4096, 32768, 0);
