using CsCheck;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>Random sequences of a hostile OS and hostile shields: after every step all invariants hold.</summary>
public sealed class HostileTests(ITestOutputHelper output)
{
    // More sequences in longer runs: BLACKBOX_TEST_EFFORT=20.
    private static readonly int Effort = int.TryParse(Environment.GetEnvironmentVariable("BLACKBOX_TEST_EFFORT"), out int effort) ? effort : 1;

    // CPU, operation, and three choices.
    private static readonly Gen<(int, int, int, int, int)> Step =
        Gen.Select(Gen.Int[0, 1], Gen.Int[0, 23], Gen.Int[0, 1000], Gen.Int[0, 1000], Gen.Int[0, 1000]);

    [Fact]
    public void Random_sequences_from_the_start_keep_the_invariants() =>
        Run(false, 60, "CreateEnclave Success", "TaskCreate Success", "TaskClone Success", "gate True", "interrupt ResumeOs");

    [Fact]
    public void Random_sequences_in_the_middle_of_things_keep_the_invariants() =>
        Run(true, 100, "GrantMemory Success", "ReclaimMemory Success", "AcceptMemory Success", "ReleaseMemory Success", "YieldTo Switch",
            "YieldBack Switch", "TaskEnded Ended", "TaskExit Stopped", "TaskExit Success", "TaskDestroy Success", "DestroyEnclave Busy", "DestroyEnclave Again", "Stop Stop");

    private void Run(bool isWarm, int sequences, params string[] mustHappen)
    {
        var outcomes = new Dictionary<string, int>();
        Step.Array[120].Sample(
            steps =>
            {
                var world = new HostileWorld();
                if (isWarm)
                {
                    world.Warm();
                }

                foreach ((int cpu, int operation, int a, int b, int c) in steps)
                {
                    world.Step(cpu, operation, a, b, c);
                }

                foreach ((string outcome, int count) in world.Outcomes)
                {
                    outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + count;
                }
            },
            iter: sequences * Effort, threads: 1);
        foreach ((string outcome, int count) in outcomes.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            output.WriteLine($"{outcome}: {count}");
        }

        foreach (string outcome in mustHappen)
        {
            Assert.Contains(outcome, outcomes);
        }
    }
}
