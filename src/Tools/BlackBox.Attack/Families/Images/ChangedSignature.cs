namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedSignature() : ImageAttack("image-changed-signature", "changes a bit of the signature", ImageChange.Flip + "flip $R/.blackbox/manifest $(($(stat -c %s $R/.blackbox/manifest) - 5)) 1");
