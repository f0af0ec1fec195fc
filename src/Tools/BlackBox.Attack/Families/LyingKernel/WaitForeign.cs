namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class WaitForeign() : LieAttack("lie-wait-foreign", "wait4 reports a process that is no child", 260, 1, 'f', 1);
