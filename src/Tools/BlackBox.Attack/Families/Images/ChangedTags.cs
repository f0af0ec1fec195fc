namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ChangedTags() : ImageAttack("image-changed-tags", "changes a bit in every tag", ImageChange.Flip + "for i in $(seq 0 290); do flip $R/.blackbox/tags $((i * 16)) 1; done");
