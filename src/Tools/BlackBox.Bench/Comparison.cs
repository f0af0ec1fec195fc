using BlackBox.Hosting;

namespace BlackBox.Bench;

/// <summary>Makes one result from what both halves gave.</summary>
internal static class Comparison
{
    private const int FrameSize = 4096;

    // Counters that say how much there is now: for a workload only their change is of interest, for memory their sum.
    private static readonly string[] Holdings = ["framesPrivate", "framesTables", "framesLent"];

    public static BenchmarkResult Make(BenchmarkDefinition benchmark, Measurement native, Measurement @protected)
    {
        string? failure = null;
        double? Try(Measurement measurement, string half)
        {
            try
            {
                return measurement.Failure is { } reason ? throw new BlackBoxException(reason) : Figure(benchmark, measurement);
            }
            catch (BlackBoxException error)
            {
                failure ??= $"{half}: {error.Message}";
                return null;
            }
        }

        var (first, second) = (Try(native, "native"), Try(@protected, "protected"));
        var events = Events(benchmark, native, @protected);
        if (benchmark.Name == "os-call" && second is not null && events.GetValueOrDefault("osCalls") < 1)
        {
            failure = "protected: the monitor did not forward the calls to the OS";
        }

        var ratio = first > 0 && second is { } value ? value / first : null;
        bool? met = benchmark.Goal is { } goal && first is { } a && second is { } b ? goal.IsMet(a, b) : null;
        return new BenchmarkResult(benchmark.Name, benchmark.Unit, first, second, ratio, benchmark.Goal, met, events, failure);
    }

    private static double Figure(BenchmarkDefinition benchmark, Measurement measurement)
    {
        var last = measurement.Reports[^1];
        switch (benchmark.Kind)
        {
            case BenchmarkKind.Redis:
                return last.RequestRate(GuestScripts.RedisTest(benchmark)) ?? throw new BlackBoxException("redis-benchmark gave no figure");
            case BenchmarkKind.Memory:
                return Memory(last);
            case BenchmarkKind.Life:
                // The first run has one operation: the difference is what the others cost.
                var first = measurement.Reports[0];
                return first.Operations > 0 && last.Operations > first.Operations && last.Time > first.Time
                    ? (double)(last.Time - first.Time) / (last.Operations - first.Operations)
                    : throw new BlackBoxException("the workload's end was not seen");
            default:
                return last.Operations > 0 ? (double)last.Time / last.Operations : throw new BlackBoxException("the workload's end was not seen");
        }
    }

    /// <summary>
    /// The module asks for granted frames, tables and buffers on the container's account, so the cgroup's figure holds them as
    /// kernel memory. What of them should not be in there is added.
    /// </summary>
    private static double Memory(ObserverReport report)
    {
        if (!report.Levels.TryGetValue("cgroup", out var cgroup) || !report.Levels.TryGetValue("kernel", out var kernel))
        {
            throw new BlackBoxException("the cgroup's memory was not seen");
        }

        var held = Holdings.Sum(name => report.Counts.GetValueOrDefault(name)) * FrameSize;
        return cgroup + Math.Max(0, held - kernel);
    }

    private static Dictionary<string, double> Events(BenchmarkDefinition benchmark, Measurement native, Measurement @protected)
    {
        var events = new Dictionary<string, double>();
        if (@protected.Reports.Count > 0 && native.Reports.Count > 0)
        {
            var last = @protected.Reports[^1];
            var first = benchmark.Kind == BenchmarkKind.Life ? @protected.Reports[0] : null;
            foreach (var (name, count) in last.Counts)
            {
                events[name] = PerOperation(count, first?.Counts.GetValueOrDefault(name), benchmark);
            }

            foreach (var (half, report) in (ReadOnlySpan<(string, ObserverReport)>)[("native", native.Reports[^1]), ("protected", last)])
            {
                foreach (var (name, bytes) in report.Levels)
                {
                    events[$"{half}.{name}"] = bytes;
                }
            }
        }

        Count("native", native);
        Count("protected", @protected);
        return events;

        void Count(string half, Measurement measurement)
        {
            if (measurement.Instructions.Count == 0)
            {
                return;
            }

            var first = measurement.Instructions.Count > 1 ? measurement.Instructions[0] : null;
            foreach (var (kind, count) in measurement.Instructions[^1])
            {
                events[$"{half}.{kind}"] = PerOperation(count, first?.GetValueOrDefault(kind), benchmark);
            }
        }
    }

    private static double PerOperation(long count, long? withOne, BenchmarkDefinition benchmark) => withOne is { } one
        ? (double)(count - one) / (benchmark.Operations - 1)
        : (double)count / benchmark.Operations;
}
