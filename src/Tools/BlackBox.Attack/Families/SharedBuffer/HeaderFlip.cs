namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class HeaderFlip() : DisturbedBuffer("buffer-header-flip", "inverts the fields of a request while it is served", 64, 56, 1);
