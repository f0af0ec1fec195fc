namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class MapTwice() : LieAttack("lie-mmap-twice", "mmap gives the same address each time", 222, 0x7000_0000, 'm');
