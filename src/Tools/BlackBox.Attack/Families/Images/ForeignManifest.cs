namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ForeignManifest() : ImageAttack("image-foreign-manifest", "puts another publisher's manifest and table beside this image's key", "cp /attacks/images/stranger/.blackbox/manifest /attacks/images/stranger/.blackbox/files $R/.blackbox/");
