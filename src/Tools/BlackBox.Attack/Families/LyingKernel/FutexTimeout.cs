namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class FutexTimeout() : LieAttack("lie-futex-timeout", "futex says that the time is over when it is not: wake-ups are lost", 98, -110, 'u', 40);
