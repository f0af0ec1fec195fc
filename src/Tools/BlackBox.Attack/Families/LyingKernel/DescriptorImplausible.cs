namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DescriptorImplausible() : LieAttack("lie-descriptor-implausible", "openat gives a number beyond every limit", 56, 0x7fff_ffff, 'd', 1, 2);
