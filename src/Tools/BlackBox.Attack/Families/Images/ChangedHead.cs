namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedHead() : ImageAttack("image-changed-head", "changes the magic's neighbour", ImageChange.Flip + "flip $R/bin/victim 4 1");
