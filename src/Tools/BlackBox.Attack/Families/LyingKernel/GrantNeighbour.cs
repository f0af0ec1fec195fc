namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class GrantNeighbour() : GrantAttack("lie-grant-neighbour", "says that a frame was granted that is another container's")
{
    protected override Task<ulong> FrameAsync(AttackSession session) => NeighbourAsync(session);

    private static async Task<ulong> NeighbourAsync(AttackSession session) => (await session.RefusedSampleAsync(9))[4];
}
