namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ManifestLoop() : ImageAttack("image-manifest-loop", "makes the manifest a symbolic link to itself, and the table a folder", "rm $R/.blackbox/manifest; ln -s manifest $R/.blackbox/manifest; rm $R/.blackbox/files; mkdir $R/.blackbox/files");
