namespace BlackBox.Attacks;

/// <summary>The secret, overwritten by a virtio device.</summary>
internal sealed class ContainerFromQueue() : QueueAttack("dma-queue-container", "gives a virtio device frames of the container as buffer and as used ring")
{
    public override string Mutant => "dma-stays";

    protected override async Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard) => [.. (await DmaTargets.ContainerAsync(session, guard)).Skip(10).Take(4)];
}
