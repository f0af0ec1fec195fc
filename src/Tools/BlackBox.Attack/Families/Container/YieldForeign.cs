namespace BlackBox.Attacks;

/// <summary>Another container's task on this container's CPU.</summary>
internal sealed class YieldForeign() : ForeignCall(
    "container-yield-foreign", "gives its CPU to a task of another container, and to tasks that do not exist", "it reaches memory of its own", [('y', "yield")])
{
    public override string Mutant => "yield-owner";

    protected override async Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim neighbour)
    {
        // A task that is off its CPU in the middle of its computation: what a shield may yield to, were it its own.
        await neighbour.AskAsync('S');
        await session.TryShellAsync($"kill -STOP {neighbour.Process}; sleep 1");
        var handle = (await session.HostileAsync($"task {neighbour.Process}"))["handle"];
        return [handle, handle + 1, 0, handle ^ (1UL << 20)];
    }

    protected override async Task FinishAsync(AttackSession session, Victim neighbour) => await session.TryShellAsync($"kill -CONT {neighbour.Process}");
}
