namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class LinkedName() : ImageAttack("image-linked-name", "starts the program through a symbolic link that the image does not have", "ln -s victim $R/bin/link", "guard 1", "PROGRAM=/bin/link;");
