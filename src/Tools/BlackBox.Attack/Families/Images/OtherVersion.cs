namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class OtherVersion() : ImageAttack("image-other-version", "puts the program of another version of the image in place", "cp /attacks/images/newer/bin/victim $R/bin/victim");
