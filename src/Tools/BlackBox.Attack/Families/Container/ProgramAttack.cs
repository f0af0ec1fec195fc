namespace BlackBox.Attacks;

/// <summary>A hostile program in a container with an honest shield.</summary>
/// <param name="command">what it is told</param>
/// <param name="first">a line that it says before its answer</param>
/// <param name="limit">MiB of its cgroup; 0: none</param>
internal abstract class ProgramAttack(string name, string tries, string control, AttackOutcome required, char command, string first, int limit = 0) : Attack(name, AttackFamily.Container, tries, control, required)
{
    /// <summary>The outcome, from its last words.</summary>
    protected abstract (bool Control, AttackOutcome Outcome) Judge(string answer, HostileAnswer before, HostileAnswer after);

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var before = await session.HostileAsync("statistics");
        var evil = await session.ProtectedAsync("hostile-program");
        if (limit > 0)
        {
            await session.ShellAsync($"mkdir -p /sys/fs/cgroup/hostile; echo +memory > /sys/fs/cgroup/cgroup.subtree_control; echo {limit}M > /sys/fs/cgroup/hostile/memory.max; echo {evil.Process} > /sys/fs/cgroup/hostile/cgroup.procs");
        }

        var answer = await evil.AskAsync(command, 60);
        if (first.Length > 0 && answer == first)
        {
            answer = await evil.WaitAsync(await evil.LinesAsync(first), 90);
        }

        var after = await session.HostileAsync("statistics");
        var isEnded = await session.ForgetAsync(evil);
        var version = await session.CallAsync(Abi.OsFunction.Version);
        await session.TryShellAsync("sleep 1");
        var end = await session.HostileAsync("statistics");
        var isIntact = await guard.AskAsync('f') == "child 17" && await guard.IsIntactAsync();
        var (control, outcome) = Judge(answer, before, after);
        return new Observation(control && version.Status == 0, !isIntact ? AttackOutcome.SilentChange : !isEnded || end["framesLeaked"] > before["framesLeaked"] ? AttackOutcome.MemoryLost : outcome,
            $"{answer}; frames of containers {before["framesPrivate"]}, {after["framesPrivate"]}, then {end["framesPrivate"]}; neighbour {(isIntact ? "intact" : "changed")}");
    }
}
