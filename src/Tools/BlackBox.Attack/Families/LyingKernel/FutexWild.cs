namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FutexWild() : LieAttack("lie-futex-wild", "futex answers numbers that it does not have", 98, 1000, 'u', 40);
