namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ReadTooLong() : LieAttack("lie-read-too-long", "pread says it read more than there is room for", 67, 0x10_0000, 'c', 3, 2);
