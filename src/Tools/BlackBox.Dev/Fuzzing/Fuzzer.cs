using System.Diagnostics;
using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Fuzzing;

/// <summary>What a run of the fuzzer is to do.</summary>
/// <param name="Calls">hypercalls to make</param>
/// <param name="Together">percentage of draws that make several CPUs run at once</param>
/// <param name="TimeLimit">ends it earlier</param>
internal sealed record FuzzOptions(long Calls, ulong Seed, int Cpus, int Together, TimeSpan TimeLimit);

/// <summary>What it found.</summary>
/// <param name="Failure">shortest sequence that breaks something, or null</param>
internal sealed record FuzzResult(
    long Calls, long CallsTogether, long Switches, long Sequences, int Coverage, TimeSpan Time, string? Violation, IReadOnlyList<Step>? Failure, IReadOnlyDictionary<string, long> Outcomes);

/// <summary>Random sequences, guided by what is new: a sequence that has led to a tuple (call, answer, class of state) not seen before is
/// kept, and others grow from it.</summary>
internal sealed class Fuzzer(FuzzOptions options)
{
    private const int SequenceSteps = 240;
    private const int CorpusSize = 512;

    private readonly ulong[] _seen = new ulong[1 << 16];
    private readonly long[] _outcomes = new long[1 << 14];
    private readonly List<Step[]> _corpus = [];
    private readonly Step[] _warmUp = WarmUp.For(options.Cpus);
    private readonly Step[] _narrowWarmUp = [.. WarmUp.For(options.Cpus).Where(step => step.Kind is not (StepKind.GrantMemory or StepKind.AcceptMemory))];
    private bool _isNew;
    private int _coverage;

    public FuzzResult Run(Action<long>? progress = null)
    {
        var watch = Stopwatch.StartNew();
        using var runner = new SequenceRunner(options.Cpus);
        var generator = new StepGenerator(runner.World, options.Cpus, (options.Seed * 0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995);
        runner.OnOutcome = (step, outcome) => Observe(runner.World, step, outcome);
        long sequences = 0;
        string? violation = null;
        IReadOnlyList<Step>? failure = null;
        var steps = new List<Step>(SequenceSteps + 16);
        while (runner.World.Calls < options.Calls && watch.Elapsed < options.TimeLimit)
        {
            sequences++;
            steps.Clear();
            try
            {
                RunSequence(runner, generator, steps);
            }
            catch (Exception exception) when (IsViolation(exception))
            {
                violation = Describe(exception);
                failure = Shrinker.Shrink(options.Cpus, steps);
                break;
            }

            if (sequences % 256 == 0)
            {
                progress?.Invoke(runner.World.Calls);
            }
        }

        return new FuzzResult(
            runner.World.Calls, runner.CallsTogether, runner.Switches, sequences, _coverage, watch.Elapsed, violation, failure, NamedOutcomes());
    }

    /// <summary>Is it the monitor's fault, and not the fuzzer's?</summary>
    public static bool IsViolation(Exception exception) => exception is InterleavedException { InnerException: { } inner }
        ? IsViolation(inner)
        : exception is FuzzException or SimulationException or InvariantException or MonitorPanicException or IndexOutOfRangeException or ArgumentException
            or OverflowException or NullReferenceException;

    public static string Describe(Exception exception)
    {
        Exception inner = exception is InterleavedException { InnerException: { } cause } ? cause : exception;
        return $"{inner.GetType().Name}: {inner.Message}";
    }

    private void RunSequence(SequenceRunner runner, StepGenerator generator, List<Step> steps)
    {
        runner.World.Reset();
        _isNew = false;
        bool isNarrow = generator.Begin();
        if (!isNarrow && generator.Below(3) != 0 && _corpus.Count > 0)
        {
            Replay(runner, _corpus[generator.Below(_corpus.Count)], steps, generator.Below(2) == 0 ? generator.Below(SequenceSteps) : -1);
        }
        else if (generator.Below(4) != 0)
        {
            Replay(runner, isNarrow ? _narrowWarmUp : _warmUp, steps, -1);
        }

        int target = steps.Count + (SequenceSteps / 2) + generator.Below(SequenceSteps / 2);
        while (steps.Count < target && steps.Count < 4 * SequenceSteps && !runner.World.Ghost.IsFull)
        {
            if (options.Cpus > 1 && generator.Below(100) < options.Together)
            {
                int first = steps.Count;
                generator.Together(steps);
                runner.RunTogether(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(steps)[first..]);
            }
            else if (generator.Below(150) == 0)
            {
                int first = steps.Count;
                generator.Teardown(steps);
                for (int i = first; i < steps.Count; i++)
                {
                    runner.RunOne(steps[i]);
                }
            }
            else
            {
                Step step = generator.One();
                steps.Add(step);
                runner.RunOne(step);
                if (_isNew && steps.Count < 2 * SequenceSteps)
                {
                    _isNew = false;
                    Keep(generator, [.. steps]);
                }
            }
        }
    }

    private void Keep(StepGenerator generator, Step[] steps)
    {
        if (_corpus.Count < CorpusSize)
        {
            _corpus.Add(steps);
        }
        else
        {
            _corpus[generator.Below(CorpusSize)] = steps;
        }
    }

    // An old sequence, perhaps without one of its steps.
    private static void Replay(SequenceRunner runner, Step[] old, List<Step> steps, int without)
    {
        for (int i = 0; i < old.Length && !runner.World.Ghost.IsFull;)
        {
            int end = i + 1;
            while (old[i].Group != 0 && end < old.Length && old[end].Group == old[i].Group)
            {
                end++;
            }

            if (i != without)
            {
                steps.AddRange(old.AsSpan(i, end - i));
                if (old[i].Group == 0)
                {
                    runner.RunOne(old[i]);
                }
                else
                {
                    runner.RunTogether(old.AsSpan(i, end - i));
                }
            }

            i = end;
        }
    }

    private void Observe(FuzzWorld world, in Step step, int outcome)
    {
        _outcomes[outcome & 0x3fff]++;
        FrameWord word = step.Frame < Names.Special ? world.WordOf(step.Frame) : default;
        EnclaveHandle enclave = new(world.Ghost.EnclaveHandle(step.Enclave));
        EnclaveState life = enclave.Index < Constants.MaximumEnclaves ? (EnclaveState)(world.Machine.PeekWord(FrameTable.Layout.Enclaves.Value + (enclave.Index * Enclave.Bytes)) & 0xff) : 0;
        TaskHandle task = new(world.Ghost.TaskHandle(step.Task));
        ulong state = task.Slot < Constants.MaximumTasks ? world.Machine.PeekLong(FrameTable.Layout.Tasks.Value + (task.Slot * TaskSlot.Bytes)) & 0xff : 0;
        CpuRecord cpu = world.Machine.PeekArray<CpuRecord>(world.Machine.RecordAddress + ((ulong)step.Cpu * CpuRecord.Bytes), 1)[0];
        int where = (cpu.Task != 0 ? 1 : 0) | (cpu.Lender != 0 ? 2 : 0) | (cpu.IsInExit != 0 ? 4 : 0) | (step.Count > 1 ? 8 : 0) | (step.Count >= 256 ? 16 : 0);
        int tuple = StableHash.Of(outcome, (long)word.State, word.Enclave == enclave.Index ? 1 : 0, word.IsBuffer ? 1 : 0, (long)life, (long)state, where);
        uint bit = (uint)tuple % (1 << 22);
        if ((_seen[bit >> 6] & (1UL << (int)(bit & 63))) == 0)
        {
            _seen[bit >> 6] |= 1UL << (int)(bit & 63);
            _coverage++;
            _isNew = true;
        }
    }

    private Dictionary<string, long> NamedOutcomes()
    {
        var named = new SortedDictionary<string, long>(StringComparer.Ordinal);
        for (int i = 0; i < _outcomes.Length; i++)
        {
            if (_outcomes[i] != 0)
            {
                named[OutcomeNames.Of(i)] = named.GetValueOrDefault(OutcomeNames.Of(i)) + _outcomes[i];
            }
        }

        return new Dictionary<string, long>(named);
    }
}
