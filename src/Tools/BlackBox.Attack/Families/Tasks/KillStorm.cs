namespace BlackBox.Attacks;

/// <summary>Ends at the worst moments.</summary>
internal sealed class KillStorm() : Attack(
    "task-kill-storm", AttackFamily.Tasks, "kills containers with SIGKILL at twelve moments of forks, futexes and memory requests, and searches what they leave",
    "the secret of the unprotected program, killed the same way, is left in memory", AttackOutcome.Harmless)
{
    private const string Commands = "ftum";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var before = await session.HostileAsync("statistics");
        var lost = 0;
        for (var i = 0; i < 12; i++)
        {
            var victim = await session.StartAsync("stormed", "/attacks/images/guard", 1, "guard 1");
            if (!victim.IsReady)
            {
                return new Observation(false, AttackOutcome.None, victim.Greeting);
            }

            await session.TryShellAsync($"printf {Commands[i % Commands.Length]} 1<>/run/victims/stormed/in; usleep {(i * 13000) + 1000}");
            lost += await victim.EndAsync() ? 0 : 1;
        }

        var plain = await session.StartAsync("stormed-plain", "/attacks/plain", 4, "guard 4");
        await session.TryShellAsync("printf f 1<>/run/victims/stormed-plain/in; usleep 20000");
        await plain.EndAsync();
        await session.TryShellAsync("sleep 2");
        var after = await session.HostileAsync("statistics");
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, 1))["hits"];
        var control = (await session.ScanAllAsync(MappingMethod.Linear, 4))["hits"];
        var isBack = after["framesPrivate"] <= before["framesPrivate"] && after["framesTables"] <= before["framesTables"] && after["framesLeaked"] == before["framesLeaked"];
        var outcome = hits > 0 ? AttackOutcome.Leaked : lost > 0 || !isBack ? AttackOutcome.MemoryLost : AttackOutcome.Harmless;
        return new Observation(control > 0, outcome,
            $"{hits} places; frames of containers {before["framesPrivate"]} before, {after["framesPrivate"]} after, {after["framesLeaked"]} lost; unprotected: {control} places");
    }
}
