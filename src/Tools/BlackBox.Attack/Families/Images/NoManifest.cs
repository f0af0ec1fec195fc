namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class NoManifest() : ImageAttack("image-no-manifest", "takes the manifest away", "rm $R/.blackbox/manifest");
