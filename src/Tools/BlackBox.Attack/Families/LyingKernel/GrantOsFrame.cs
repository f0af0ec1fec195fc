namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class GrantOsFrame() : GrantAttack("lie-grant-os-frame", "says that a frame was granted that is still the OS's")
{
    protected override Task<ulong> FrameAsync(AttackSession session) => session.PoolAsync();
}
