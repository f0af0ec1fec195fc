namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class OtherVersionTable() : ImageAttack("image-other-version-table", "the same with its tags and its file table", "cp /attacks/images/newer/bin/victim $R/bin/victim; cp /attacks/images/newer/.blackbox/tags /attacks/images/newer/.blackbox/files $R/.blackbox/");
