namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class SignalAreaNoise() : DisturbedBuffer("buffer-signal-area-noise", "writes random words where Linux puts signal frames", 49152, 16384, 0);
