using System.Globalization;
using BlackBox.Guest;

namespace BlackBox.Bench;

/// <summary>What the guest's shell does for each benchmark.</summary>
internal static class GuestScripts
{
    public const string Observer = "/usr/bin/observe";
    public const string Workload = "/usr/bin/workload";
    /// <summary>File of the container that workloads read.</summary>
    public const string Data = "/usr/share/benchmark.data";

    public const string Module = "/usr/lib/blackbox/blackbox.ko";

    /// <summary>Container with a shell that reads its standard input, and with the workload.</summary>
    public const string ShellContainer = "bench";

    public const string RedisContainer = "redis";

    /// <summary>Line of the console that says which benchmark begins.</summary>
    public const string Announcement = "blackbox bench: ";

    // In the guest's time. Under instruction counting, waiting costs nothing, and the longest benchmark takes a few seconds.
    private const int LongestSeconds = 60;

    /// <summary>Comes before all others.</summary>
    public static string Prepare(bool isProtected) => isProtected
        ? $"insmod {Module} || {{ code=$?; dmesg | tail -n 3; exit $code; }}"
        : "[ ! -e /dev/blackbox ]";

    /// <summary>The scripts of one benchmark, in order; each ends with the observer's report.</summary>
    public static IReadOnlyList<string> Of(BenchmarkDefinition benchmark, string runtime) => benchmark.Kind switch
    {
        BenchmarkKind.Workload => [InShell("workload", benchmark, benchmark.Operations, "", runtime)],
        BenchmarkKind.Life => [InShell("life", benchmark, 1, " unmarked", runtime), InShell("life", benchmark, benchmark.Operations, " unmarked", runtime)],
        BenchmarkKind.Memory => [Announce(benchmark) + Run(ShellContainer, runtime, $"prompt blackbox/{ShellContainer}")],
        BenchmarkKind.Redis => [Redis(benchmark, runtime)],
        _ => throw new ArgumentOutOfRangeException(nameof(benchmark)),
    };

    /// <summary>One program, started by the shell of a protected container.</summary>
    public static string FirstProgram => Run(ShellContainer, "blackbox-runtime", $"workload 'exec {Workload} getpid 1'");

    /// <summary>How many stretches of counted instructions its scripts leave.</summary>
    public static int Stretches(BenchmarkDefinition benchmark) => benchmark.Kind switch
    {
        BenchmarkKind.Life => 2,
        BenchmarkKind.Memory => 0,
        _ => 1,
    };

    /// <summary>The test's name as redis-benchmark knows it: redis-get measures GET.</summary>
    public static string RedisTest(BenchmarkDefinition benchmark) => benchmark.Name["redis-".Length..].ToUpperInvariant();

    private static string InShell(string how, BenchmarkDefinition benchmark, long operations, string option, string runtime) =>
        Announce(benchmark) + Run(ShellContainer, runtime, string.Create(CultureInfo.InvariantCulture, $"{how} 'exec {Workload} {benchmark.Name} {operations}{option}'"));

    private static string Announce(BenchmarkDefinition benchmark) => $"echo '{Announcement}{benchmark.Name}' > /dev/console\n";

    private static string Run(string container, string runtime, string how) => $"""
        timeout {LongestSeconds} {Observer} {how} {runtime} run --bundle {OciBundle.Folder}/{container} {container}
        code=$?
        [ $code = 0 ] || runc delete --force {container}
        exit $code
        """;

    // The server takes what it finds on its standard input for a configuration; it gets none.
    private static string Redis(BenchmarkDefinition benchmark, string runtime) => string.Create(CultureInfo.InvariantCulture, $$"""
        {{Announce(benchmark)}}
        {{runtime}} run --bundle {{OciBundle.Folder}}/{{RedisContainer}} {{RedisContainer}} < /dev/null > /run/redis.log 2>&1 &
        tries=0
        until redis-cli ping 2> /dev/null | grep -q PONG; do
            tries=$((tries + 1))
            [ $tries -lt 300 ] && kill -0 $! 2> /dev/null || { cat /run/redis.log; runc delete --force {{RedisContainer}}; exit 1; }
            sleep 0.1
        done
        redis-benchmark -q -t {{RedisTest(benchmark)}} -n 200 > /dev/null
        timeout {{LongestSeconds}} {{Observer}} around redis-benchmark --csv -t {{RedisTest(benchmark)}} -n {{benchmark.Operations}} -c 50
        code=$?
        redis-cli shutdown nosave > /dev/null 2>&1
        wait $!
        runc delete --force {{RedisContainer}} 2> /dev/null
        exit $code
        """);
}
