namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class RandomShort() : LieAttack("lie-random", "getrandom says it gave fewer bytes than asked", 278, 3, 'r', 2);
