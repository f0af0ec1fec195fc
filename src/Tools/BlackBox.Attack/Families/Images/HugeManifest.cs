namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class HugeManifest() : ImageAttack("image-huge-manifest", "puts a manifest of 10 MiB in place", "head -c 10485760 /dev/zero > $R/.blackbox/manifest");
