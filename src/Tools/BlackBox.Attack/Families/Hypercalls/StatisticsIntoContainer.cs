using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class StatisticsIntoContainer() : CallAttack("call-statistics-foreign", "lets the monitor write its statistics into frames of the monitor and of containers", "it writes them into a frame of the OS")
{
    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        ulong[] frames = [AttackSession.RamStart, AttackSession.RamStart + 0x20_0000, session.OsStart - 4096, 0x900_0000, 0x902_0000, 0x905_0000, AbiConstants.GateIpa, AttackSession.RamEnd, 0, ulong.MaxValue & ~4095UL, .. target.Taken];
        foreach (var frame in frames)
        {
            await RefuseAsync(session, OsFunction.Statistics, 0, 0, frame);
        }

        await RefuseAsync(session, OsFunction.Statistics, 0, 0, target.Pool + 8);
        await RefuseAsync(session, OsFunction.Statistics, 7, 0, target.Pool);
        await RefuseAsync(session, OsFunction.Statistics, 1, 0xdead_beef, target.Pool);
        return await AcceptAsync(session, OsFunction.Statistics, 0, 0, target.Pool);
    }
}
