namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WaitStatus() : LieAttack("lie-wait-status", "wait4 reports another exit status than the child's", "lie-data {0} 260 1 0 0x1200 4 1 0", 'f');
