using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ShareForeign() : CallAttack("call-share-foreign", "lends frames that are not the OS's to an enclave", "a frame of the OS is lent and taken back")
{
    public override string Mutant => "share-owner";

    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        ulong[] frames = [AttackSession.RamStart, AttackSession.RamStart + 0x20_0000, session.OsStart - 4096, 0x900_0000, 0x902_0000, 0x905_0000, AbiConstants.GateIpa, AttackSession.RamEnd, 0, ulong.MaxValue & ~4095UL, .. target.Taken];
        foreach (var frame in frames)
        {
            await RefuseAsync(session, OsFunction.SharePages, target.OtherEnclave, frame, 1);
        }

        return await AcceptAsync(session, OsFunction.SharePages, target.OtherEnclave, target.Pool, 1)
            && await AcceptAsync(session, OsFunction.UnsharePages, target.OtherEnclave, target.Pool, 1);
    }
}
