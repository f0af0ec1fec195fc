namespace BlackBox.Bench;

/// <summary>One line of the result. <c>blackbox bench --json</c> writes these fields.</summary>
/// <param name="Native">In the unit; null when it could not be measured.</param>
/// <param name="Protected">In the unit; null when it could not be measured.</param>
/// <param name="Ratio">Protected / native.</param>
/// <param name="Met">The goal is met; null without a goal or a figure.</param>
/// <param name="Events">
/// For each operation: the monitor's counters in the protected half (exits, worldSwitches, osCalls ...), and the instructions
/// that silicon charges for in both halves (native.registerWrites, protected.barriers ...), as far as they were counted.
/// </param>
/// <param name="Failure">Why a figure is missing.</param>
public sealed record BenchmarkResult(
    string Name, string Unit, double? Native, double? Protected, double? Ratio, BenchmarkGoal? Goal, bool? Met, IReadOnlyDictionary<string, double> Events, string? Failure)
{
    /// <summary>It was measured, and its goal, if it has one, is met.</summary>
    public bool IsGood => Failure is null && Ratio is not null && Met is not false;
}

/// <summary>All results of one run.</summary>
/// <param name="Passed">Everything was measured and every goal is met.</param>
/// <param name="Notes">What limits the run, for people.</param>
public sealed record BenchmarkReport(IReadOnlyList<BenchmarkResult> Results, bool Passed, IReadOnlyList<string> Notes);
