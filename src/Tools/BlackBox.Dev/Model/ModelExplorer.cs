using System.Diagnostics;
using BlackBox.Dev.Fuzzing;
using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Model;

/// <summary>What a search found.</summary>
/// <param name="Depth">events on the longest way to a state</param>
/// <param name="IsFixedPoint">no new state could be reached any more</param>
/// <param name="Violation">what was violated, or null</param>
/// <param name="Failure">shortest way to it</param>
internal sealed record ModelResult(
    string Scenario, int States, long Transitions, int Depth, bool IsFixedPoint, TimeSpan Time, string? Violation, IReadOnlyList<Step> Failure);

/// <summary>Breadth-first search over a scenario: every event in every state that can be reached. Who may reach a frame is checked at each access, locks and
/// pending invalidations after each event, all invariants in each new state (states that are taken for the same agree in words, counters and mappings).</summary>
internal sealed class ModelExplorer(Scenario scenario)
{
    private readonly FuzzWorld _world = new(scenario.Cpus) { WatchesRegisters = false };
    private readonly HashSet<UInt128> _seen = [];
    private readonly List<(int Parent, ushort Event)> _states = [];
    private readonly Ghost _startGhost = new();
    private readonly Ghost _stateGhost = new();
    private readonly List<int> _path = [];

    /// <param name="timeLimit">the search ends between two states when it is over</param>
    /// <param name="maximumStates">and when there are so many</param>
    public ModelResult Run(TimeSpan timeLimit, int maximumStates, Action<int, long>? progress = null)
    {
        var watch = Stopwatch.StartNew();
        var keys = new StateKey(_world);
        long transitions = 0;
        int depth = 0;
        int current = 0;
        int step = -1;
        try
        {
            foreach (Step first in scenario.Start)
            {
                _world.Perform(first);
                Invariants.Check(_world.System);
            }

            int start = _world.Machine.Mark();
            _world.Ghost.CopyTo(_startGhost);
            _states.Add((-1, 0));
            _seen.Add(keys.Compute(keys.ComputePlain()));
            int endOfLevel = 1;
            for (; current < _states.Count && watch.Elapsed < timeLimit && _states.Count < maximumStates; current++)
            {
                if (current == endOfLevel)
                {
                    depth++;
                    endOfLevel = _states.Count;
                    progress?.Invoke(depth, _states.Count);
                    if (depth == scenario.Depth)
                    {
                        break;
                    }
                }

                step = -1;
                GoTo(current, start);
                int mark = _world.Machine.Mark();
                _world.Ghost.CopyTo(_stateGhost);
                UInt128 own = keys.ComputePlain();
                for (step = 0; step < scenario.Events.Count; step++)
                {
                    if (!IsPossible(scenario.Events[step]))
                    {
                        continue;
                    }

                    transitions++;
                    _world.Perform(scenario.Events[step]);
                    UInt128 key = keys.ComputePlain();
                    if (key != own && _seen.Add(keys.Compute(key)))
                    {
                        Invariants.CheckQuickly(_world.System);
                        _states.Add((current, (ushort)step));
                    }
                    else if (_world.Machine.Tables.Pending != 0 || _world.Machine.LockedWords != 0)
                    {
                        throw new InvariantException("a call that leads to a known state left a lock, or an entry without invalidation");
                    }

                    _world.Machine.Undo(mark);
                    _stateGhost.CopyTo(_world.Ghost);
                }
            }
        }
        catch (Exception exception) when (Fuzzer.IsViolation(exception))
        {
            return new ModelResult(scenario.Name, _states.Count, transitions, depth, false, watch.Elapsed, Fuzzer.Describe(exception), Way(current, step));
        }

        return new ModelResult(scenario.Name, _states.Count, transitions, depth, current == _states.Count, watch.Elapsed, null, []);
    }

    private void GoTo(int state, int start)
    {
        _path.Clear();
        for (int at = state; at > 0; at = _states[at].Parent)
        {
            _path.Add(_states[at].Event);
        }

        _world.Machine.Undo(start);
        _startGhost.CopyTo(_world.Ghost);
        for (int i = _path.Count - 1; i >= 0; i--)
        {
            _world.Perform(scenario.Events[_path[i]]);
        }
    }

    private List<Step> Way(int state, int last)
    {
        var way = new List<Step>();
        for (int at = state; at > 0 && at < _states.Count; at = _states[at].Parent)
        {
            way.Add(scenario.Events[_states[at].Event]);
        }

        way.AddRange(scenario.Start.Reverse());
        way.Reverse();
        if (last >= 0 && last < scenario.Events.Count)
        {
            way.Add(scenario.Events[last]);
        }

        return way;
    }

    // A CPU in the right world; of two CPUs in the OS the first does for both.
    private bool IsPossible(in Step step)
    {
        bool isFirstInOs = IsInOs(0);
        bool isInOs = step.Cpu == 0 ? isFirstInOs : IsInOs(step.Cpu);
        return step.IsOfContainer != isInOs && !(isInOs && step.Cpu == 1 && isFirstInOs);
    }

    private bool IsInOs(int cpu) => _world.Machine.PeekWord(_world.Machine.RecordAddress + ((ulong)cpu * CpuRecord.Bytes)) == 0;
}
