namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedPolicy() : ImageAttack("image-changed-policy", "changes a bit in the manifest's policy", ImageChange.Flip + "flip $R/.blackbox/manifest 30 1");
