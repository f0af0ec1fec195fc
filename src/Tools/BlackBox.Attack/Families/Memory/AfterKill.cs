namespace BlackBox.Attacks;

/// <summary>What a killed container leaves in RAM.</summary>
internal sealed class AfterKill() : Attack(
    "memory-after-kill", AttackFamily.Memory, "kills the container and searches the memory that came back",
    "the killed unprotected program's secret is still in free memory", AttackOutcome.Harmless)
{
    public override string Mutant => "reclaim-scrub";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.StartAsync("killed", "/attacks/images/guard", 1, "guard 1");
        var plain = await session.StartAsync("killed-plain", "/attacks/plain", 3, "guard 3");
        var isStarted = guard.IsReady && plain.IsReady;
        var before = await session.HostileAsync("statistics");
        var isEnded = await plain.EndAsync() & await guard.EndAsync();
        await session.TryShellAsync("sleep 2");
        var control = await session.ScanAllAsync(MappingMethod.Linear, 3);
        var attack = await session.ScanAllAsync(MappingMethod.Linear, 1);
        var after = await session.HostileAsync("statistics");
        var isBack = after["framesPrivate"] < before["framesPrivate"] && after["framesLeaked"] == before["framesLeaked"];
        var outcome = attack["hits"] > 0 ? AttackOutcome.Leaked : isEnded && isBack ? AttackOutcome.Harmless : AttackOutcome.MemoryLost;
        return new Observation(isStarted && control["hits"] > 0, outcome,
            $"protected: {attack["hits"]} places, {before["framesPrivate"] - after["framesPrivate"]} frames back; unprotected: {control["hits"]} places");
    }
}
