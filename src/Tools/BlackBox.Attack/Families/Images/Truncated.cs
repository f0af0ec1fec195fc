namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class Truncated() : ImageAttack("image-truncated", "cuts the program off", "truncate -s 300000 $R/bin/victim");
