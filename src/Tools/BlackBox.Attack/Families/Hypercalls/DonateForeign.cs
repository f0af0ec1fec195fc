using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DonateForeign() : CallAttack("call-donate-foreign", "gives frames that are not the OS's as page tables, as a task's context or as an enclave's root and memory", "the same calls take frames of the OS and give them back")
{
    public override string Mutant => "donate-owner";

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

        // Frames of the OS are taken: as tables, as a root with memory and tables; and come back when the new enclave is destroyed.
        var pool = target.Pool;
        await FlushAsync(session);
        var created = await session.CallAsync(OsFunction.CreateEnclave, pool + 0x20_0000, pool + 0x10_0000, 256, pool, 16);
        var enclave = created["x1"];
        var control = created.Status == 0 && await AcceptAsync(session, OsFunction.DonateTables, enclave, pool + 0x1_0000, 8);
        for (var round = 0; round < 8 && (await session.CallAsync(OsFunction.DestroyEnclave, enclave)).Status != 0; round++)
        {
            await session.HostileAllAsync(
            [
                AttackSession.CallWords(OsFunction.ReclaimMemory, enclave, pool + 0x10_0000, 256),
                AttackSession.CallWords(OsFunction.ReclaimMemory, enclave, pool, 16),
                AttackSession.CallWords(OsFunction.ReclaimMemory, enclave, pool + 0x1_0000, 8),
                AttackSession.CallWords(OsFunction.ReclaimMemory, enclave, pool + 0x20_0000, 2),
            ]);
        }

        var back = await session.HostileAsync($"read 0 0x{pool + 0x10_0000:x} 8");
        return control && back["status"] == 0;
    }
}
