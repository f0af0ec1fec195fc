namespace BlackBox.Attacks;

/// <summary>As many interrupts as there can be.</summary>
internal sealed class InterruptStorm() : Attack(
    "interrupt-storm", AttackFamily.Interrupts, "interrupts the container's CPU every 30 microseconds and calls it from the other one all the time, and searches RAM for its registers",
    "the interrupts come, and the unprotected program's registers are found", AttackOutcome.Harmless)
{
    public override string Mutant => "vectors-clear";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var started = (await guard.AskAsync('S'), await plain.AskAsync('S'));
        await session.TryShellAsync($"taskset -p 1 {guard.Process}; taskset -p 1 {plain.Process}");
        await session.HostileAsync("storm 0 30 1");
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.RegisterSalt))["hits"];
        var control = (await session.ScanAllAsync(MappingMethod.Linear, plain.RegisterSalt))["hits"];
        var storm = await session.HostileAsync("storm-stop");
        await session.TryShellAsync($"taskset -p 3 {guard.Process}; taskset -p 3 {plain.Process}");
        var ended = (await guard.AskAsync('v'), await plain.AskAsync('v'));
        var outcome = hits > 0 ? AttackOutcome.Leaked : ended.Item1 == "intact" ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(started == ("spinning", "spinning") && storm["ticks"] > 1000 && control > 0 && ended.Item2 == "intact", outcome,
            $"{storm["ticks"]} timer interrupts, {storm["calls"]} calls; protected: {hits} places, {ended.Item1}; unprotected: {control} places");
    }
}
