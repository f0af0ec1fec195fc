namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class StatImplausible() : LieAttack("lie-stat-implausible", "newfstatat (fstat) answers a positive number", 79, 5, 'c', 2);
