namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ProcessNumber() : LieAttack("lie-process-number", "getpid would give another number: the container must not even ask", 172, 1, 't', isServedInside: true);
