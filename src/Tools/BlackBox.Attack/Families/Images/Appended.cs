namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class Appended() : ImageAttack("image-appended", "makes the program's file longer than its record", "head -c 5000 /dev/zero >> $R/bin/victim");
