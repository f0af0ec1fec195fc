using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ReclaimInUse() : CallAttack("call-reclaim-in-use", "takes back frames that a living container uses, and unlends its shared buffer", "a granted frame that was not accepted comes back")
{
    public override string Mutant => "reclaim-in-use";

    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        foreach (var frame in target.Taken)
        {
            await RefuseAsync(session, OsFunction.ReclaimMemory, target.Enclave, frame, 1);
            await RefuseAsync(session, OsFunction.ReclaimMemory, target.Enclave, frame & ~0x1f_ffffUL, 512);
            await RefuseAsync(session, OsFunction.UnsharePages, target.Enclave, frame, 1);
        }

        var guard = await session.ProtectedAsync();
        var window = await session.HostileAsync($"task {guard.Process}");
        var buffer = (await session.HostileAsync($"resolve {guard.Process} 0x{window["data"] + 0x1_0000:x}"))["address"];
        await RefuseAsync(session, OsFunction.UnsharePages, target.Enclave, buffer, 1);
        await RefuseAsync(session, OsFunction.GrantMemory, target.Enclave, buffer, 1);
        return await AcceptAsync(session, OsFunction.GrantMemory, target.Enclave, target.Pool, 1)
            && await AcceptAsync(session, OsFunction.ReclaimMemory, target.Enclave, target.Pool, 1);
    }
}
