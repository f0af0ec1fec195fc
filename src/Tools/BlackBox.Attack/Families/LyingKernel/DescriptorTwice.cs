namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DescriptorTwice() : LieAttack("lie-descriptor-twice", "openat gives a descriptor that is open already", 56, 5, 'd', 0, 3);
