namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class EmptyManifest() : ImageAttack("image-empty-manifest", "empties the manifest", "> $R/.blackbox/manifest");
