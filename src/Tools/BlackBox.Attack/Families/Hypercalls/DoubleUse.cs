using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DoubleUse() : CallAttack("call-double-use", "grants a frame twice, lends a granted one, grants a lent one, gives one frame for two purposes", "each first use succeeds")
{
    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        var lent = target.Pool + 0x1000;
        var control = await AcceptAsync(session, OsFunction.GrantMemory, target.Enclave, target.Pool, 1)
            && await AcceptAsync(session, OsFunction.SharePages, target.Enclave, lent, 1);
        foreach (var enclave in (ulong[])[target.Enclave, target.OtherEnclave])
        {
            foreach (var frame in (ulong[])[target.Pool, lent])
            {
                await RefuseAsync(session, OsFunction.GrantMemory, enclave, frame, 1);
                await RefuseAsync(session, OsFunction.GrantMemory, enclave, target.Pool, 2);
                await RefuseAsync(session, OsFunction.SharePages, enclave, frame, 1);
                await RefuseAsync(session, OsFunction.DonateTables, enclave, frame, 1);
                await RefuseAsync(session, OsFunction.TaskCreate, enclave, frame, lent, 2);
            }
        }

        await RefuseAsync(session, OsFunction.CreateEnclave, target.Pool + 0x10_0000, target.Pool + 0x10_0000, 256, target.Pool + 0x20_0000, 16);
        await RefuseAsync(session, OsFunction.CreateEnclave, target.Pool + 0x20_0000, target.Pool + 0x10_0000, 256, target.Pool + 0x20_0000, 16);
        await RefuseAsync(session, OsFunction.CreateEnclave, target.Pool + 0x30_0000, target.Pool + 0x10_0000, 256, target.Pool + 0x1f_0000, 32);
        await RefuseAsync(session, OsFunction.ReclaimMemory, target.OtherEnclave, target.Pool, 1);
        await RefuseAsync(session, OsFunction.UnsharePages, target.OtherEnclave, lent, 1);
        await RefuseAsync(session, OsFunction.UnsharePages, target.Enclave, target.Pool, 1);
        return await AcceptAsync(session, OsFunction.ReclaimMemory, target.Enclave, target.Pool, 1)
            && await AcceptAsync(session, OsFunction.UnsharePages, target.Enclave, lent, 1) && control;
    }
}
