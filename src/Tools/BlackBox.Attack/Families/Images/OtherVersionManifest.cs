namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class OtherVersionManifest() : ImageAttack("image-other-version-manifest", "puts the manifest and the tables of another version of the image beside this one's program", "cp /attacks/images/newer/.blackbox/manifest /attacks/images/newer/.blackbox/files /attacks/images/newer/.blackbox/tags $R/.blackbox/");
