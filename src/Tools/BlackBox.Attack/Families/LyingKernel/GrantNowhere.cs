namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class GrantNowhere() : GrantAttack("lie-grant-nowhere", "says that a frame was granted that lies outside RAM, above the bit of lent frames")
{
    protected override Task<ulong> FrameAsync(AttackSession session) => Task.FromResult(0x7f_ffff_f000UL);
}
