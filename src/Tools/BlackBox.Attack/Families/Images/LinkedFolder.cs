namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class LinkedFolder() : ImageAttack("image-linked-folder", "makes the program's folder a symbolic link to one with another program under its name", "mkdir $R/lib; cp $R/bin/other $R/lib/victim; cp $R/bin/other $R/lib/other; rm -r $R/bin; ln -s lib $R/bin");
