namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedFirstBlock() : ImageAttack("image-changed-first-block", "changes one bit in the first block of the program", ImageChange.Flip + "flip $R/bin/victim 100 1");
