namespace BlackBox.Attacks;

/// <summary>The shield's code, by a device.</summary>
internal sealed class ShieldByDevice() : DmaAttack("dma-read-shield", "lets a device read the shield's image", isWrite: false)
{
    public override string Mutant => "dma-monitor";

    protected override Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard) => DmaTargets.ShieldAsync(session);
}
