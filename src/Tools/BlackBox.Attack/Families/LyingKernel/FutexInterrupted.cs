namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FutexInterrupted() : LieAttack("lie-futex-negative", "futex answers a negative number that is no errno", 98, -70000, 'u', 40);
