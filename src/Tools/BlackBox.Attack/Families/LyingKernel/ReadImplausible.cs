namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ReadImplausible() : LieAttack("lie-read-implausible", "pread answers a negative number that is no errno", 67, -70000, 'c', 3, 2);
