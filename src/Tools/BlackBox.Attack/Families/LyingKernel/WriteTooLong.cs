namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WriteTooLong() : LieAttack("lie-write-too-long", "write says it wrote more than it was given", 64, 0x7fff_ffff, 'c', 1);
