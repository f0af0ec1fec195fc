namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class UnlistedName() : ImageAttack("image-unlisted-name", "starts the program by a name that the file table does not have", "cp $R/bin/victim $R/bin/stranger", "guard 1", "PROGRAM=/bin/stranger;");
