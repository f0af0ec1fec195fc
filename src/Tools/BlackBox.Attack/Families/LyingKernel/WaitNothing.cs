namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WaitNothing() : LieAttack("lie-wait-wild", "wait4 answers a wild negative number", 260, -100000, 'f', 1);
