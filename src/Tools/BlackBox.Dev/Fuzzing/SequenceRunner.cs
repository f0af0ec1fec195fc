using BlackBox.Simulation;

namespace BlackBox.Dev.Fuzzing;

/// <summary>Runs steps on a world: those of one group at once, all others one after the other, and checks the invariants in between.</summary>
internal sealed class SequenceRunner : IDisposable
{
    // Every so often all task slots are looked at, not only those that a short sequence can reach.
    private const int FullCheckEvery = 256;

    private readonly Interleaver _interleaver;
    private readonly List<Step>[] _queues;
    private int _steps;

    public SequenceRunner(int cpus)
    {
        World = new FuzzWorld(cpus);
        _queues = [.. Enumerable.Range(0, cpus).Select(_ => new List<Step>())];
        _interleaver = new Interleaver(World.Machine, RunQueue);
    }

    public FuzzWorld World { get; }

    /// <summary>Called with each outcome of a step that ran alone.</summary>
    public Action<Step, int>? OnOutcome { get; set; }

    public long Switches => _interleaver.Switches;

    /// <summary>Hypercalls that ran together with others.</summary>
    public long CallsTogether { get; private set; }

    public void Dispose() => _interleaver.Dispose();

    /// <summary>One step alone.</summary>
    public void RunOne(in Step step)
    {
        World.Machine.InterruptAfter = step.X % 5 == 0 ? step.X % 3 : -1;
        int outcome = World.Perform(step);
        OnOutcome?.Invoke(step, outcome);
        Check();
    }

    /// <summary>The steps of one group.</summary>
    public void RunTogether(ReadOnlySpan<Step> steps)
    {
        int cpus = 0;
        foreach (List<Step> queue in _queues)
        {
            queue.Clear();
        }

        foreach (ref readonly Step step in steps)
        {
            _queues[step.Cpu].Add(step);
            cpus |= 1 << step.Cpu;
        }

        long before = World.Calls;
        World.IsTogether = true;
        World.Machine.InterruptAfter = steps[0].X % 5 == 0 ? steps[0].X % 3 : -1;
        _interleaver.Run(steps[0].Group, cpus);
        World.IsTogether = false;
        CallsTogether += World.Calls - before;
        Check();
    }

    /// <summary>A whole sequence from the booted machine.</summary>
    public void Run(IReadOnlyList<Step> steps)
    {
        World.Reset();
        Step[] all = [.. steps];
        for (int i = 0; i < all.Length && !World.Ghost.IsFull;)
        {
            if (all[i].Group == 0)
            {
                RunOne(all[i++]);
                continue;
            }

            int end = i + 1;
            while (end < all.Length && all[end].Group == all[i].Group)
            {
                end++;
            }

            RunTogether(all.AsSpan(i, end - i));
            i = end;
        }
    }

    private void Check()
    {
        if (++_steps % FullCheckEvery == 0)
        {
            Invariants.Check(World.System);
        }
        else
        {
            Invariants.CheckQuickly(World.System);
        }
    }

    private void RunQueue(int cpu)
    {
        foreach (Step step in _queues[cpu])
        {
            World.Perform(step);
        }
    }
}
