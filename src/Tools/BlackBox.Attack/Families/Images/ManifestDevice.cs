namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ManifestDevice() : ImageAttack("image-manifest-device", "makes the manifest a device without end", "rm $R/.blackbox/manifest; mknod $R/.blackbox/manifest c 1 5");
