namespace BlackBox.Attacks;

/// <summary>A container that never gets a CPU, then does.</summary>
internal sealed class Starvation() : Attack(
    "interrupt-starvation", AttackFamily.Interrupts, "stops, freezes and throttles the container in the middle of its computation, and reads all memory meanwhile",
    "the unprotected program stands still, and its secret is found", AttackOutcome.Harmless)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var started = (await guard.AskAsync('S'), await plain.AskAsync('S'));
        var frozen = await session.TryShellAsync($"""
            mkdir -p /sys/fs/cgroup/starved; echo {guard.Process} > /sys/fs/cgroup/starved/cgroup.procs; echo {plain.Process} > /sys/fs/cgroup/starved/cgroup.procs
            for i in 1 2 3 4 5 6; do echo 1 > /sys/fs/cgroup/starved/cgroup.freeze; usleep 150000; echo 0 > /sys/fs/cgroup/starved/cgroup.freeze; kill -STOP {guard.Process} {plain.Process}; usleep 100000; kill -CONT {guard.Process} {plain.Process}; usleep 5000; done
            echo 1 > /sys/fs/cgroup/starved/cgroup.freeze; usleep 300000; grep frozen /sys/fs/cgroup/starved/cgroup.events
            """);
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"] + (await session.ScanAllAsync(MappingMethod.Linear, guard.RegisterSalt))["hits"];
        var control = (await session.ScanAllAsync(MappingMethod.Linear, plain.Salt))["hits"];
        await session.TryShellAsync($"echo 0 > /sys/fs/cgroup/starved/cgroup.freeze; echo {guard.Process} > /sys/fs/cgroup/cgroup.procs; echo {plain.Process} > /sys/fs/cgroup/cgroup.procs; rmdir /sys/fs/cgroup/starved");
        var ended = (await guard.AskAsync('v'), await plain.AskAsync('v'));
        var outcome = hits > 0 ? AttackOutcome.Leaked : ended.Item1 == "intact" ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(started == ("spinning", "spinning") && frozen.Contains("frozen 1", StringComparison.Ordinal) && control > 0 && ended.Item2 == "intact", outcome,
            $"{frozen.Trim()}; protected: {hits} places, {ended.Item1}; unprotected: {control} places, {ended.Item2}");
    }
}
