using BlackBox.Abi;
using BlackBox.Dev.Fuzzing;
using BlackBox.Simulation;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>A hostile OS and hostile shields: short runs of what <c>blackbox dev fuzz</c> does for longer.</summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    // Longer: BLACKBOX_TEST_EFFORT=20.
    private static readonly int Effort = int.TryParse(Environment.GetEnvironmentVariable("BLACKBOX_TEST_EFFORT"), out int effort) ? effort : 1;

    [Fact]
    public void Calls_mostly_one_at_a_time_keep_the_invariants() =>
        Run(170_000, cpus: 3, together: 3, "CreateEnclave Success", "DestroyEnclave Success", "DestroyEnclave Busy", "DestroyEnclave Again", "GrantMemory Success", "GrantMemory NeedTables",
            "ReclaimMemory Success", "ReclaimMemory Again", "AcceptMemory Success", "ReleaseMemory Success", "SharePages Success", "UnsharePages Success", "TaskCreate Success",
            "TaskClone Success", "TaskExec Success", "TaskExit Success", "TaskExit Stopped", "TaskExit runs", "TaskDestroy Success", "TaskEnded Ended", "YieldTo Switch", "YieldBack Switch",
            "Gate Entered", "Interrupt ResumeOs", "Interrupt FinishHypercall", "Stop Stop", "OsCall Switch", "OsCall ReturnEvents", "UnwrapKey Denied");

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Calls_that_meet_on_several_cpus_keep_the_invariants(int cpus) => Run(15_000, cpus, together: 60);

    /// <summary>The same seed is the same run, with the same switches of CPUs, whatever ran before.</summary>
    [Fact]
    public void A_run_can_be_repeated()
    {
        FuzzResult first = new Fuzzer(new FuzzOptions(3000, 77, 3, 30, TimeSpan.MaxValue)).Run();
        var bed = new TestBed();
        bed.Machine.Counter = 10_000_000;
        bed.Call(OsFunction.DestroyEnclave, 77);
        FuzzResult second = new Fuzzer(new FuzzOptions(3000, 77, 3, 30, TimeSpan.MaxValue)).Run();
        Assert.Equal((first.Calls, first.CallsTogether, first.Switches, first.Coverage), (second.Calls, second.CallsTogether, second.Switches, second.Coverage));
        Assert.Equal(first.Outcomes, second.Outcomes);
    }

    [Fact]
    public void A_replay_file_holds_the_sequence()
    {
        string file = Path.GetTempFileName();
        try
        {
            ReplayFile.Write(file, 2, 5, "what\nhappened", WarmUp.For(2));
            (int cpus, IReadOnlyList<Step> steps) = ReplayFile.Read(file);
            Assert.Equal(2, cpus);
            Assert.Equal(WarmUp.For(2), steps);
            Assert.Null(Shrinker.Try(cpus, steps));
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>A lost update is found, and so is a deadlock: the schedules are worth something.</summary>
    [Fact]
    public void Schedules_find_races()
    {
        var bed = new TestBed();
        uint counter = 0;
        using var interleaver = new Interleaver(bed.Machine, _ =>
        {
            uint seen = bed.Machine.Shared(ref counter);
            bed.Machine.Shared(ref counter) = seen + 1;
        });
        int lost = 0;
        for (uint seed = 0; seed < 200; seed++)
        {
            counter = 0;
            interleaver.Run(seed, 0b11);
            lost += counter == 1 ? 1 : 0;
        }

        Assert.InRange(lost, 10, 190);
    }

    [Fact]
    public void Schedules_find_deadlocks()
    {
        var bed = new TestBed();
        uint one = 0;
        uint two = 0;
        using var interleaver = new Interleaver(bed.Machine, cpu =>
        {
            SpinLock.Acquire(ref cpu == 0 ? ref one : ref two);
            SpinLock.Acquire(ref cpu == 0 ? ref two : ref one);
            SpinLock.Release(ref one);
            SpinLock.Release(ref two);
        });
        int stuck = 0;
        for (uint seed = 0; seed < 50; seed++)
        {
            (one, two) = (0, 0);
            stuck += Record.Exception(() => interleaver.Run(seed, 0b11)) is InterleavedException { InnerException: SimulationException } ? 1 : 0;
        }

        Assert.InRange(stuck, 1, 49);
    }

    private void Run(long calls, int cpus, int together, params string[] mustHappen)
    {
        FuzzResult result = new Fuzzer(new FuzzOptions(calls * Effort, 20261124, cpus, together, TimeSpan.MaxValue)).Run();
        output.WriteLine($"{result.Calls} calls, {result.CallsTogether} while others ran, {result.Switches} switches, coverage {result.Coverage}, {result.Time.TotalSeconds:0.0} s");
        foreach ((string outcome, long count) in result.Outcomes)
        {
            output.WriteLine($"{outcome}: {count}");
        }

        Assert.True(result.Violation is null, $"{result.Violation}\n{string.Join('\n', result.Failure ?? [])}");
        foreach (string outcome in mustHappen)
        {
            Assert.Contains(outcome, result.Outcomes);
        }
    }
}
