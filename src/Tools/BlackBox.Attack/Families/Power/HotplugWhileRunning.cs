namespace BlackBox.Attacks;

/// <summary>CPUs that vanish under a container.</summary>
internal sealed class HotplugWhileRunning() : Attack(
    "power-hotplug-while-running", AttackFamily.Power, "switches the second CPU off and on five times while a container computes", "the unprotected program computes on", AttackOutcome.Harmless)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var started = (await guard.AskAsync('S'), await plain.AskAsync('S'));
        var output = await session.TryShellAsync("for i in 1 2 3 4 5; do for s in 0 1; do echo $s > /sys/devices/system/cpu/cpu1/online || echo failed; usleep 100000; done; done");
        var ended = (await guard.AskAsync('v'), await plain.AskAsync('v'));
        var scan = await session.ScanAllAsync(MappingMethod.Linear, guard.RegisterSalt);
        var outcome = scan["hits"] > 0 ? AttackOutcome.Leaked : ended.Item1 == "intact" ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(started == ("spinning", "spinning") && output.Length == 0 && ended.Item2 == "intact", outcome, $"protected: {ended.Item1}, unprotected: {ended.Item2}");
    }
}
