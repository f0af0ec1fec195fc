namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class LinkedProgram() : ImageAttack("image-linked-program", "makes the entry point a symbolic link to another program of the image", "rm $R/bin/victim; ln -s other $R/bin/victim");
