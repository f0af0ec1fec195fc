namespace BlackBox.Attacks;

/// <summary>Frames that change on their way.</summary>
internal sealed class FrameNoise() : SignalAttack(
    "signal-frame-noise", "writes random words where Linux puts the frames of signals, from another CPU, while signals come",
    "the same writes change the unprotected program's heap")
{
    private const ulong BufferOffset = 0x1_0000;
    private const int SignalArea = 49152;

    protected override async Task DisturbAsync(AttackSession session, Victim victim)
    {
        var data = (await session.HostileAsync($"task {victim.Process}"))["data"];
        await session.HostileAsync(data != 0
            ? $"disturb {victim.Process} 0x{data + BufferOffset:x} 16 {SignalArea} 16384 0 1"
            : $"disturb {victim.Process} 0x{victim.HeapAddress:x} 8 0 32768 0 1");
        await session.HostileAllAsync([.. Enumerable.Range(0, 40).Select(_ => $"signal {victim.Process} 10 0 0 20")]);
        await session.HostileAsync("disturb-stop");
    }

    protected override bool IsDeceived(string answer) => answer == "CHANGED";
}
