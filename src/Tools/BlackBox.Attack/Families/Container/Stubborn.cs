namespace BlackBox.Attacks;

/// <summary>A container that does not give its CPU back.</summary>
internal abstract class Stubborn(string name, string tries, char letter) : EvilAttack(name, tries, "it does use its CPU all the time", AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var path = $"/bin/evil-{letter}-0";
        await session.TryShellAsync($"cp /attacks/images/guard/bin/victim /attacks/images/guard{path}");
        var evil = await session.StartAsync("stubborn", "/attacks/images/guard", 1, "guard 1", $"PATIENCE=1; PROGRAM={path};");
        var before = await TicksAsync(session, evil);

        // The OS goes on, on both CPUs, and so does the neighbour.
        var os = await session.TryShellAsync("for c in 0 1; do taskset -c $c sh -c 'i=0; while [ $i -lt 200 ]; do i=$((i + 1)); done; echo done'; done; sleep 1");
        var intact = await guard.AskAsync('f') == "child 17" && await guard.IsIntactAsync();
        var after = await TicksAsync(session, evil);

        // The module lets a shield ten seconds of CPU time to finish before it stops the enclave.
        var isEnded = await evil.EndAsync(120);
        await session.TryShellAsync($"rm -f /attacks/images/guard{path}");
        var outcome = os.Trim().Split('\n') is not ["done", "done"] ? AttackOutcome.MachineLost : !intact ? AttackOutcome.SilentChange : isEnded ? AttackOutcome.EnclaveStopped : AttackOutcome.MachineLost;
        return new Observation(evil.Greeting == "silent" && after - before > 20, outcome, $"{after - before} ticks of CPU while the OS worked on; killed: {isEnded}");
    }

    private static async Task<long> TicksAsync(AttackSession session, Victim victim) => long.TryParse(
        (await session.TryShellAsync($"cut -d' ' -f14,15 /proc/{victim.Process}/stat | tr ' ' '+' | xargs -I{{}} sh -c 'echo $(({{}}))'")).Trim(), System.Globalization.CultureInfo.InvariantCulture, out var ticks) ? ticks : 0;
}
