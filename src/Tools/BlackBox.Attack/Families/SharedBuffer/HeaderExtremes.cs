namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class HeaderExtremes() : DisturbedBuffer("buffer-header-extremes", "writes extreme values into the fields of a request while it is served", 64, 64, 2);
