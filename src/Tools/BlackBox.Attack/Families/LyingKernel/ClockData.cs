namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ClockData() : LieAttack("lie-clock-data", "clock_gettime writes a time near the epoch", "lie-data {0} 113 1 0 5 8 0 3", 'w');
