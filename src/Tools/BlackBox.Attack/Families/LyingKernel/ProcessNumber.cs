namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ProcessNumber() : LieAttack("lie-process-number", "getpid gives another number", 172, 1, 't');
