namespace BlackBox.Bench;

/// <summary>How a benchmark is carried out in the guest; see bench/guest/observe.c.</summary>
public enum BenchmarkKind
{
    /// <summary>A workload, timed by itself.</summary>
    Workload,

    /// <summary>A workload timed until everything that its container held is given back; its time without the workload is taken off.</summary>
    Life,

    /// <summary>redis-benchmark, outside of the container, asks redis-server in the container.</summary>
    Redis,

    /// <summary>Memory of a shell at its prompt.</summary>
    Memory,
}

/// <summary>What is wanted of a benchmark. At most one of the three is there.</summary>
/// <param name="MostRatio">Protected / native may be so much.</param>
/// <param name="LeastRatio">Protected / native must be so much.</param>
/// <param name="MostExtra">Protected - native may be so much, in the benchmark's unit.</param>
public sealed record BenchmarkGoal(double? MostRatio = null, double? LeastRatio = null, double? MostExtra = null)
{
    public bool IsMet(double native, double @protected) =>
        (MostRatio is not { } most || @protected <= most * native)
        && (LeastRatio is not { } least || @protected >= least * native)
        && (MostExtra is not { } extra || @protected - native <= extra);
}

/// <summary>One benchmark.</summary>
/// <param name="Name">Stable: other programs read it.</param>
/// <param name="Unit">Of the figures native and protected.</param>
/// <param name="Operations">Events are given for each of so many; 0: as the workload sets it.</param>
/// <param name="Goal">Null: only for information.</param>
public sealed record BenchmarkDefinition(string Name, string Unit, BenchmarkKind Kind, long Operations, BenchmarkGoal? Goal, string Description)
{
    private const string Nanoseconds = "ns";

    /// <summary>All benchmarks, in the order in which they run and are shown.</summary>
    public static IReadOnlyList<BenchmarkDefinition> All { get; } =
    [
        new("os-call", Nanoseconds, BenchmarkKind.Workload, 20000, new BenchmarkGoal(MostRatio: 3.5), "write of one byte to /dev/null, which the OS serves"),
        new("getpid", Nanoseconds, BenchmarkKind.Workload, 20000, null, "a call that the shield answers by itself"),
        new("page-fault", Nanoseconds, BenchmarkKind.Life, 32768, new BenchmarkGoal(MostRatio: 1), "first touch of an anonymous 4 KiB page that was granted for it and goes back scrubbed"),
        new("page-fault-again", Nanoseconds, BenchmarkKind.Workload, 65536, null, "64 MiB mapped, touched in steps of 4 KiB, unmapped, again and again"),
        new("page-fault-huge", Nanoseconds, BenchmarkKind.Workload, 65536, null, "the same where Linux may use huge pages, for each 4 KiB"),
        new("page-fault-pool", Nanoseconds, BenchmarkKind.Workload, 16384, null, "the same with 256 KiB instead of 64 MiB"),
        new("fork-exit-1m", Nanoseconds, BenchmarkKind.Workload, 100, new BenchmarkGoal(MostRatio: 1.5), "fork, exit, wait; 1 MiB touched"),
        new("fork-exit-64m", Nanoseconds, BenchmarkKind.Workload, 50, new BenchmarkGoal(MostRatio: 1.5), "fork, exit, wait; 64 MiB touched"),
        new("fork-exec", Nanoseconds, BenchmarkKind.Workload, 50, null, "fork, exec of a dynamically linked program that ends at once, wait"),
        new("image-exec", Nanoseconds, BenchmarkKind.Workload, 50, new BenchmarkGoal(MostRatio: 1.5), "fork, exec of ls with its libraries, all of the image and used before, wait"),
        new("image-read", Nanoseconds, BenchmarkKind.Workload, 512, new BenchmarkGoal(MostRatio: 2), "64 KiB of an encrypted file of the image, 8 MiB, that was read before"),
        new("image-read-cold", Nanoseconds, BenchmarkKind.Workload, 128, null, "the same, read for the first time in the container; natively from the page cache"),
        new("pipe-latency", Nanoseconds, BenchmarkKind.Workload, 2000, null, "one byte to another process and back, over two pipes"),
        new("pipe-stream", Nanoseconds, BenchmarkKind.Workload, 200, null, "64 KiB through a pipe to another process"),
        new("redis-get", "requests/s", BenchmarkKind.Redis, 10000, new BenchmarkGoal(LeastRatio: 0.7), "redis-benchmark GET, 50 connections, client outside"),
        new("redis-set", "requests/s", BenchmarkKind.Redis, 10000, new BenchmarkGoal(LeastRatio: 0.7), "redis-benchmark SET, 50 connections, client outside"),
        new("container-memory", "bytes", BenchmarkKind.Memory, 1, new BenchmarkGoal(MostExtra: 8 << 20), "what sh holds at its prompt: cgroup, grants, the monitor's tables"),
    ];
}
