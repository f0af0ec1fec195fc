namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedKey() : ImageAttack("image-changed-key", "changes a bit of the wrapped key", ImageChange.Flip + "flip $R/.blackbox/key 20 1");
