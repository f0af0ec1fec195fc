namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DataFlip() : DisturbedBuffer("buffer-data-flip", "inverts words of the first page of data during every call (double fetch)", 4096, 256, 1);
