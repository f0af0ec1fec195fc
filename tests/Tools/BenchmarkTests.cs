using BlackBox.Bench;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Tools.Tests;

/// <summary>What the benchmark makes of the guest's words.</summary>
public class BenchmarkTests
{
    private const string Workload = """
        output sh: a word of the shell
        measured 100 250000
        count exits 200
        count osCalls 101
        count framesPrivate -5
        """;

    [Fact]
    public void TheObserversReportIsRead()
    {
        var report = ObserverReport.Parse(Workload);
        Assert.Equal((100, 250000), (report.Operations, report.Time));
        Assert.Equal(200, report.Counts["exits"]);
        Assert.Equal(-5, report.Counts["framesPrivate"]);
        Assert.Equal(["sh: a word of the shell"], report.Output);
    }

    [Theory]
    [InlineData("")]
    [InlineData("measured 0 5")]
    [InlineData("measured -1 5")]
    [InlineData("measured 1 99999999999999999999999999")]
    [InlineData("measured 1")]
    [InlineData("count exits")]
    [InlineData("observe: the workload failed")]
    public void LinesOfAnotherFormMeasureNothing(string text) => Assert.Equal(0, ObserverReport.Parse(text).Operations);

    [Fact]
    public void TheRateIsTakenFromTheTestsOwnLine()
    {
        var report = ObserverReport.Parse("""
            output "test","rps","avg_latency_ms"
            output "SET","99.00","1.0"
            output "GET","12345.67","0.5"
            """);
        Assert.Equal(12345.67, report.RequestRate("GET"));
        Assert.Equal(99, report.RequestRate("SET"));
        Assert.Null(report.RequestRate("LPUSH"));
        Assert.Null(ObserverReport.Parse("output \"GET\",\"nan\"").RequestRate("GET"));
    }

    [Fact]
    public void InstructionsAreCountedForEachStretch()
    {
        var stretches = InstructionCounts.Read(["stretch 0", "class user barriers 1", "class kernel barriers 2", "place 40 7", "place ffff 3", "stretch 1", "class monitor barriers 9"]);
        Assert.Equal(2, stretches.Count);
        Assert.Equal(3, stretches[0]["barriers"]);
        Assert.Equal(10, stretches[0]["instructions"]);
        Assert.Equal(9, stretches[1]["barriers"]);
    }

    [Theory]
    [InlineData("class user barriers 1")]
    [InlineData("stretch 1")]
    [InlineData("stretch")]
    [InlineData("rubbish")]
    public void AForeignCountFileIsRefused(string line) => Assert.Throws<BlackBoxException>(() => InstructionCounts.Read([line]));

    [Fact]
    public void AnOsCallThatWasNotForwardedIsAFailure()
    {
        var result = Comparison.Make(Definition("os-call"), Measured("measured 20000 20000000"), Measured("measured 20000 20000000\ncount osCalls 12"));
        Assert.NotNull(result.Failure);
        Assert.False(result.IsGood);
        Assert.True(Comparison.Make(Definition("os-call"), Measured("measured 20000 20000000"), Measured("measured 20000 20000000\ncount osCalls 20012")).IsGood);
    }

    [Fact]
    public void ALifeIsTheDifferenceOfTwoRuns()
    {
        var result = Comparison.Make(
            Definition("page-fault"), Measured("measured 1 1000", "measured 32768 131069000"), Measured("measured 1 1000\ncount exits 10", "measured 32768 65535000\ncount exits 32777"));
        Assert.Equal(4000, result.Native!.Value, 0.1);
        Assert.Equal(2000, result.Protected!.Value, 0.1);
        Assert.Equal(1, result.Events["exits"]);
        Assert.True(result.Met);
    }

    [Fact]
    public void MemoryThatTheCgroupDoesNotHoldIsAdded()
    {
        var native = Measured("level cgroup 1000000\nlevel kernel 500000");
        var charged = Comparison.Make(Definition("container-memory"), native, Measured("level cgroup 6000000\nlevel kernel 5500000\ncount framesPrivate 1000\ncount framesTables 10"));
        Assert.Equal(6000000, charged.Protected);
        Assert.True(charged.Met);
        var hidden = Comparison.Make(Definition("container-memory"), native, Measured("level cgroup 1000000\nlevel kernel 500000\ncount framesPrivate 4000\ncount framesTables 10"));
        Assert.Equal(1000000 + (4010 * 4096) - 500000, hidden.Protected);
        Assert.False(hidden.Met);
    }

    [Fact]
    public void ThroughputMayNotFallBelowItsGoal()
    {
        Assert.True(Comparison.Make(Definition("redis-get"), Measured("output \"GET\",\"1000\""), Measured("output \"GET\",\"700\"")).Met);
        Assert.False(Comparison.Make(Definition("redis-get"), Measured("output \"GET\",\"1000\""), Measured("output \"GET\",\"699\"")).Met);
    }

    [Fact]
    public void AFailedHalfLeavesTheOtherFigure()
    {
        var failed = new Measurement([ObserverReport.Parse("observe: no")], [], "exit code 1: observe: no");
        var result = Comparison.Make(Definition("getpid"), Measured("measured 20000 20000"), failed);
        Assert.Equal(1, result.Native);
        Assert.Null(result.Protected);
        Assert.Contains("exit code 1", result.Failure);
        Assert.False(result.IsGood);
    }

    [Fact]
    public void TheNamesThatOthersReadAreThere()
    {
        string[] names = ["os-call", "page-fault", "fork-exit-1m", "fork-exit-64m", "fork-exec", "pipe-latency", "redis-get", "redis-set", "container-memory"];
        Assert.Empty(names.Except(BenchmarkDefinition.All.Select(benchmark => benchmark.Name)));
    }

    private static BenchmarkDefinition Definition(string name) => BenchmarkDefinition.All.Single(benchmark => benchmark.Name == name);

    private static Measurement Measured(params string[] reports) => new([.. reports.Select(ObserverReport.Parse)], [], null);
}
