namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class MountedManifest() : ImageAttack("image-mounted-manifest", "mounts another publisher's manifest folder over this image's", "mount --bind /attacks/images/stranger/.blackbox $R/.blackbox", afterwards: "umount $R/.blackbox");
