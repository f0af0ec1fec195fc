namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedTable() : ImageAttack("image-changed-table", "changes a bit in the file table", ImageChange.Flip + "flip $R/.blackbox/files 100 1");
