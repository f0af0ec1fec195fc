namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ForeignKey() : ImageAttack("image-foreign-key", "puts another publisher's wrapped key in place", "cp /attacks/images/stranger/.blackbox/key $R/.blackbox/key");
