namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FewerArguments() : ImageAttack("image-no-arguments", "starts the program without arguments", "true", "''");
