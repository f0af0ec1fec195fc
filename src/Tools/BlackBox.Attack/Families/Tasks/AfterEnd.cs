using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>Calls for a task that is no more.</summary>
internal sealed class AfterEnd() : Attack(
    "task-after-end", AttackFamily.Tasks, "makes every call about a task again after its thread has ended: exec, exit, clone from it and to it, destroy, gate",
    "while it lives, some of them are taken", AttackOutcome.Refused)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("ending");
        var other = await session.ProtectedAsync();
        var handle = (await session.HostileAsync($"task {guard.Process}"))["handle"];
        var alive = (await session.HostileAsync($"task {other.Process}"))["handle"];
        var control = (await session.CallAsync(OsFunction.TaskExec, handle)).Status;
        await session.ForgetAsync(guard);
        await session.TryShellAsync("sleep 1");
        var answers = await session.HostileAllAsync(
        [
            AttackSession.CallWords(OsFunction.TaskExec, handle),
            AttackSession.CallWords(OsFunction.TaskExit, handle),
            AttackSession.CallWords(OsFunction.TaskClone, handle, alive),
            AttackSession.CallWords(OsFunction.TaskClone, alive, handle),
            AttackSession.CallWords(OsFunction.TaskClone, handle, 0),
            AttackSession.CallWords(OsFunction.TaskDestroy, handle),
        ]);
        var gate = await session.HostileAsync($"gate 0x{handle:x} 0 0 0 3");
        var isIntact = await other.IsIntactAsync();
        var outcome = answers.Any(answer => answer.Status >= 0) || gate.Signals is not [7] ? AttackOutcome.SilentChange : isIntact ? AttackOutcome.Refused : AttackOutcome.EnclaveStopped;
        return new Observation(control == 0, outcome, $"alive: {control}; then {string.Join(' ', answers.Select(answer => answer.Status))}, gate: signals {string.Join(' ', gate.Signals)}");
    }
}
