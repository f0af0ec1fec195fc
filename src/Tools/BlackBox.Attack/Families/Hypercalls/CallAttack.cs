using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>Hypercalls that the monitor has to refuse. The container must not notice.</summary>
internal abstract class CallAttack(string name, string tries, string control) : Attack(name, AttackFamily.Hypercalls, tries, control, AttackOutcome.Refused)
{
    private readonly List<string> _pending = [];
    private readonly List<string> _accepted = [];
    private int _refused;

    protected abstract Task<bool> AttackAsync(AttackSession session, CallTarget target);

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var other = await session.ProtectedAsync("other");
        _accepted.Clear();
        _refused = 0;
        _pending.Clear();
        var target = new CallTarget(
            await EnclaveAsync(session, guard), (await session.HostileAsync($"task {guard.Process}"))["handle"],
            await EnclaveAsync(session, other), (await session.HostileAsync($"task {other.Process}"))["handle"],
            await session.PoolAsync(), await session.RefusedSampleAsync(24));
        var control = await AttackAsync(session, target);
        await FlushAsync(session);
        var intact = (await guard.AskAsync('f', 30), await guard.AskAsync('v', 30), await other.AskAsync('v', 30));
        var outcome = _accepted.Count > 0 ? AttackOutcome.SilentChange
            : intact is not ("child 17", "intact", "intact") ? AttackOutcome.EnclaveStopped
            : _refused > 0 ? AttackOutcome.Refused : AttackOutcome.Unexpected;
        return new Observation(control, outcome, _accepted.Count > 0 ? $"accepted: {string.Join("; ", _accepted.Take(5))}" : $"{_refused} calls refused; victim: {intact}");
    }

    /// <summary>A call that must not succeed. Such calls are made in order, but not at once.</summary>
    protected Task RefuseAsync(AttackSession session, OsFunction function, params ulong[] arguments)
    {
        _pending.Add(AttackSession.CallWords(function, arguments));
        return _pending.Count < 100 ? Task.CompletedTask : FlushAsync(session);
    }

    /// <summary>A call that must succeed.</summary>
    protected async Task<bool> AcceptAsync(AttackSession session, OsFunction function, params ulong[] arguments)
    {
        await FlushAsync(session);
        return (await session.CallAsync(function, arguments)).Status == 0;
    }

    /// <summary>Makes the calls that wait.</summary>
    protected async Task FlushAsync(AttackSession session)
    {
        if (_pending.Count == 0)
        {
            return;
        }

        var calls = _pending.ToList();
        _pending.Clear();
        var answers = await session.HostileAllAsync(calls);
        foreach (var (words, answer) in calls.Zip(answers))
        {
            if (answer.Status is < 0 and not (long)Status.Again)
            {
                _refused++;
            }
            else
            {
                _accepted.Add($"{words} = {answer.Status}");
            }
        }
    }

    internal static async Task<ulong> EnclaveAsync(AttackSession session, Victim victim)
    {
        var line = (await session.HostileAsync("enclaves")).Lines("enclave").First(line => line.Contains($"process {victim.Process} ", StringComparison.Ordinal));
        return HostileAnswer.Number(line);
    }
}

/// <summary>What there is to abuse.</summary>
/// <param name="Enclave">of a victim</param>
/// <param name="Task">its first task, which waits for input</param>
/// <param name="OtherEnclave">of another victim</param>
/// <param name="OtherTask">its first task</param>
/// <param name="Pool">first of 1024 frames of the attacker's own</param>
/// <param name="Taken">frames of containers, tables and contexts</param>
internal sealed record CallTarget(ulong Enclave, ulong Task, ulong OtherEnclave, ulong OtherTask, ulong Pool, IReadOnlyList<ulong> Taken);
