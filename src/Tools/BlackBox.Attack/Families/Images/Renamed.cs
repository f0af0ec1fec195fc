namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class Renamed() : ImageAttack("image-renamed", "puts the other program in the entry point's place", "mv $R/bin/other $R/bin/victim");
