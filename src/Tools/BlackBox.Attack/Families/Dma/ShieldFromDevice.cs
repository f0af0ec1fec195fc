namespace BlackBox.Attacks;

/// <summary>The shield's code, overwritten by a device: all containers would run it.</summary>
internal sealed class ShieldFromDevice() : DmaAttack("dma-write-shield", "lets a device write to the shield's image", isWrite: true)
{
    public override string Mutant => "dma-monitor";

    protected override Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard) => DmaTargets.ShieldAsync(session);
}
