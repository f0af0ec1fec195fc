namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class HeaderNoise() : DisturbedBuffer("buffer-header-noise", "writes random words into the header: addresses, request, result, ranges of frames", 0, 3072, 0);
