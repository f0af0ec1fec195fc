namespace BlackBox.Attacks;

/// <summary>The secret, overwritten by a device.</summary>
internal sealed class ContainerFromDevice() : DmaAttack("dma-write-container", "lets a device write to frames of the container that hold its secret", isWrite: true)
{
    public override string Mutant => "dma-stays";

    protected override Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard) => DmaTargets.ContainerAsync(session, guard);
}
