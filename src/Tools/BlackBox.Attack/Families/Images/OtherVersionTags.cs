namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class OtherVersionTags() : ImageAttack("image-other-version-tags", "the same with the tags of that version", "cp /attacks/images/newer/bin/victim $R/bin/victim; cp /attacks/images/newer/.blackbox/tags $R/.blackbox/tags");
