namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class OtherEntryPoint() : ImageAttack("image-other-entry-point", "starts another program of the image than the manifest's entry point", "true", "guard 1", "PROGRAM=/bin/other;");
