namespace BlackBox.Attacks;

/// <summary>One task on several CPUs at once.</summary>
internal sealed class SameTaskTwice() : Attack(
    "gate-same-task-twice", AttackFamily.Gate, "enters one task's gate from six processes on both CPUs at the same time",
    "one of them does enter", AttackOutcome.Harmless | AttackOutcome.EnclaveStopped | AttackOutcome.DefinedError)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("twice");
        var handle = (await session.HostileAsync($"task {guard.Process}"))["handle"];
        var started = await guard.AskAsync('S');
        await session.TryShellAsync($"kill -STOP {guard.Process}; sleep 1");
        var attack = await session.HostileAsync($"gate 0x{handle:x} 0 0 0 3 6");
        await session.TryShellAsync($"kill -CONT {guard.Process}");
        var entered = attack.CountEntered();
        var refused = attack.Signals.Count(signal => signal == 7);
        var ended = await guard.AskAsync('v');
        await session.ForgetAsync(guard);
        var outcome = attack["ended"] != 6 ? AttackOutcome.Unexpected
            : ended.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : ended == "intact" ? AttackOutcome.Harmless : AttackOutcome.EnclaveStopped;
        return new Observation(started == "spinning" && entered >= 1, outcome, $"{entered} entered in turn, {refused} refused, then: {ended}");
    }
}
