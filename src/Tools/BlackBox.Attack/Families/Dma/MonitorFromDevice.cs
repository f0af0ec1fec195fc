namespace BlackBox.Attacks;

/// <summary>The monitor's memory, overwritten by a device.</summary>
internal sealed class MonitorFromDevice() : DmaAttack("dma-write-monitor", "lets a device write to the monitor's memory: image, stacks, frame table, tables of the SMMU", isWrite: true)
{
    public override string Mutant => "dma-monitor";

    protected override Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard) => DmaTargets.MonitorAsync(session);
}
