namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class MapTwice() : LieAttack("lie-mmap-twice", "mmap would give the same address each time: the container must not even ask", 222, 0x7000_0000, 'm', isServedInside: true);
