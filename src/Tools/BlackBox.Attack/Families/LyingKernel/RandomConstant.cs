namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class RandomConstant() : LieAttack("lie-random-constant", "getrandom would give the same bytes each time: the container must not even ask", "lie-data {0} 278 0 0 0x4141414141414141 8 0 0", 'r', isServedInside: true);
