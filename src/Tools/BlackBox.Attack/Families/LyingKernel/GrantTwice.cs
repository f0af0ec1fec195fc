namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class GrantTwice() : GrantAttack("lie-grant-twice", "says that a frame was granted that the container has already")
{
    protected override Task<ulong> FrameAsync(AttackSession session) => Task.FromResult(0UL);
}
