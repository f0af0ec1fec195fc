using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class GrantForeign() : CallAttack("call-grant-foreign", "grants frames of the monitor, of devices, of the gate, outside RAM and of other containers to an enclave", "a frame of the OS is granted and reclaimed")
{
    public override string Mutant => "grant-owner";

    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        ulong[] frames = [AttackSession.RamStart, AttackSession.RamStart + 0x20_0000, session.OsStart - 4096, 0x900_0000, 0x902_0000, 0x905_0000, AbiConstants.GateIpa, AttackSession.RamEnd, 0, ulong.MaxValue & ~4095UL, .. target.Taken];
        foreach (var frame in frames)
        {
            await RefuseAsync(session, OsFunction.GrantMemory, target.OtherEnclave, frame, 1);
        }

        return await AcceptAsync(session, OsFunction.GrantMemory, target.OtherEnclave, target.Pool, 1)
            && await AcceptAsync(session, OsFunction.ReclaimMemory, target.OtherEnclave, target.Pool, 1);
    }
}
