namespace BlackBox.Attacks;

/// <summary>The handle of a task that is no more.</summary>
internal sealed class StaleHandle() : Attack(
    "gate-stale-handle", AttackFamily.Gate, "enters the gate with the handle of a task that has ended, when another container's task has its slot",
    "another container's task does get the slot", AttackOutcome.Faulted)
{
    private const ulong SlotMask = 0xffff;

    public override string Mutant => "task-generation";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var first = await session.ProtectedAsync("stale-first");
        var old = (await session.HostileAsync($"task {first.Process}"))["handle"];
        await session.ForgetAsync(first);
        ulong handle = 0;
        Victim? second = null;
        for (var attempt = 0; attempt < 8 && (second is null || (handle & SlotMask) != (old & SlotMask)); attempt++)
        {
            // Slots are given out from the lowest.
            second = await session.ProtectedAsync($"stale-second-{attempt}");
            handle = (await session.HostileAsync($"task {second.Process}"))["handle"];
        }

        if (second is null || (handle & SlotMask) != (old & SlotMask))
        {
            return new Observation(false, AttackOutcome.None, $"no container got slot {old & SlotMask}");
        }

        var started = await second.AskAsync('S');
        await session.TryShellAsync($"kill -STOP {second.Process}; sleep 1");
        var attack = await session.HostileAsync($"gate 0x{old:x} 0 0 0 3");
        await session.TryShellAsync($"kill -CONT {second.Process}");
        var ended = await second.AskAsync('v', 20);
        await session.ForgetAsync(second);
        var outcome = attack.Signals is [7] && ended == "intact" ? AttackOutcome.Faulted
            : attack.CountEntered() > 0 || ended.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange : AttackOutcome.Unexpected;
        return new Observation(started == "spinning" && handle != old, outcome, $"old 0x{old:x}, now 0x{handle:x}: signals {string.Join(' ', attack.Signals)}, then: {ended}");
    }
}
