namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class MountedProgram() : ImageAttack("image-mounted-program", "mounts another program over the entry point", "mount --bind $R/bin/other $R/bin/victim", afterwards: "umount $R/bin/victim");
