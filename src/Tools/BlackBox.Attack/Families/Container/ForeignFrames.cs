namespace BlackBox.Attacks;

/// <summary>Memory hypercalls of a shield with others' frames.</summary>
internal sealed class ForeignFrames() : ForeignCall(
    "container-foreign-frames", "accepts, releases and unwraps a key in frames of the monitor, the OS and another container", "it reaches memory of its own",
    [('u', "unwrap"), ('d', "release"), ('a', "accept")])
{
    public override string Mutant => "accept-owner";

    protected override async Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim neighbour) =>
        [AttackSession.RamStart + 0x20_0000, await session.PoolAsync(), (await session.RefusedSampleAsync(5))[3]];
}
