using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class CloneWithoutTicket() : CallAttack("call-clone-without-ticket", "makes tasks ready without a ticket of their shield, twice, from tasks of other enclaves and from themselves", "a real fork, which has a ticket, succeeds")
{
    public override string Mutant => "clone-ticket";

    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        var buffer = target.Pool + 0x10_0000;
        var context = target.Pool + 0x11_0000;
        var control = await AcceptAsync(session, OsFunction.SharePages, target.Enclave, buffer, 2);
        var created = await session.CallAsync(OsFunction.TaskCreate, target.Enclave, context, buffer, 2);
        var task = created["x1"];
        foreach (var parent in (ulong[])[0, target.Task, target.OtherTask, task, 1, ulong.MaxValue])
        {
            await RefuseAsync(session, OsFunction.TaskClone, task, parent);
            await RefuseAsync(session, OsFunction.TaskClone, target.Task, parent);
        }

        await RefuseAsync(session, OsFunction.TaskExec, task);
        await RefuseAsync(session, OsFunction.TaskExit, task);
        await RefuseAsync(session, OsFunction.TaskDestroy, target.Task);
        await RefuseAsync(session, OsFunction.UnsharePages, target.Enclave, buffer, 1);
        var isDestroyed = await AcceptAsync(session, OsFunction.TaskDestroy, task);
        await RefuseAsync(session, OsFunction.TaskDestroy, task);
        await RefuseAsync(session, OsFunction.TaskClone, task, target.Task);
        return control && created.Status == 0 && isDestroyed && await AcceptAsync(session, OsFunction.UnsharePages, target.Enclave, buffer, 2);
    }
}
