namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class StatImplausible() : LieAttack("lie-stat-implausible", "fstat answers a positive number", 80, 5, 'c', 2);
