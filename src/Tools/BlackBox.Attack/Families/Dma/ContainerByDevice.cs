namespace BlackBox.Attacks;

/// <summary>The secret, by a device.</summary>
internal sealed class ContainerByDevice() : DmaAttack("dma-read-container", "lets a device read frames of the container that hold its secret", isWrite: false)
{
    public override string Mutant => "dma-stays";

    protected override Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard) => DmaTargets.ContainerAsync(session, guard);
}
