namespace BlackBox.Attacks;

/// <summary>The monitor's memory, overwritten by a virtio device.</summary>
internal sealed class MonitorFromQueue() : QueueAttack("dma-queue-monitor", "gives a virtio device the monitor's tables and the shield's code as buffer and as used ring")
{
    public override string Mutant => "dma-monitor";

    // Nobody else changes them while we look; the first is no code, so that a machine without defence still answers.
    protected override async Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard)
    {
        var monitor = await DmaTargets.MonitorAsync(session);
        return [monitor[monitor.Count / 2], .. (await DmaTargets.ShieldAsync(session)).Skip(1).Take(3)];
    }
}
