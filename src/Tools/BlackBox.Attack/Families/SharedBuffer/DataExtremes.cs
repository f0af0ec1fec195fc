namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DataExtremes() : DisturbedBuffer("buffer-data-extremes", "writes lengths and addresses that are wrong by much or little into the data area during every call", 4096, 4096, 2);
