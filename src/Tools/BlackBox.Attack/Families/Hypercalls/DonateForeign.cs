using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DonateForeign() : CallAttack("call-donate-foreign", "gives frames that are not the OS's as page tables, as a task's context or as an enclave's root and memory", "the same calls take frames of the OS: the victims run")
{
    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        ulong[] frames = [AttackSession.RamStart, AttackSession.RamStart + 0x20_0000, session.OsStart - 4096, 0x900_0000, 0x902_0000, 0x905_0000, AbiConstants.GateIpa, AttackSession.RamEnd, 0, ulong.MaxValue & ~4095UL, .. target.Taken];
        foreach (var frame in frames)
        {
            await RefuseAsync(session, OsFunction.DonateTables, target.OtherEnclave, frame, 1);
            await RefuseAsync(session, OsFunction.TaskCreate, target.OtherEnclave, frame, target.Pool, 2);
            await RefuseAsync(session, OsFunction.TaskCreate, target.OtherEnclave, target.Pool, frame, 2);
            await RefuseAsync(session, OsFunction.CreateEnclave, frame & ~8191UL, target.Pool, 256, target.Pool + 0x10_0000, 16);
            await RefuseAsync(session, OsFunction.CreateEnclave, target.Pool + 0x20_0000, frame & ~0xf_ffffUL, 256, target.Pool, 16);
        }

        return true;
    }
}
