namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DescriptorStandard() : LieAttack("lie-descriptor-standard", "openat gives the number of standard output", 56, 1, 'd', 1, 2);
