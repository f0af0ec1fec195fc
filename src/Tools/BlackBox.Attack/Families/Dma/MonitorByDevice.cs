namespace BlackBox.Attacks;

/// <summary>The monitor's memory, by a device.</summary>
internal sealed class MonitorByDevice() : DmaAttack("dma-read-monitor", "lets a device read the monitor's memory: image, stacks, frame table, tables of the SMMU", isWrite: false)
{
    public override string Mutant => "dma-monitor";

    protected override Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard) => DmaTargets.MonitorAsync(session);
}
