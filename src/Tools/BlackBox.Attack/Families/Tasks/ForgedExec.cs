namespace BlackBox.Attacks;

/// <summary>An exec that never was.</summary>
internal sealed class ForgedExec() : Attack(
    "task-forged-exec", AttackFamily.Tasks, "calls TaskExec for a task that waits in a read, so that its call seems to be done",
    "the monitor takes the call, and the read ends without input", AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("exec");
        var handle = (await session.HostileAsync($"task {guard.Process}"))["handle"];
        var status = (await session.CallAsync(Abi.OsFunction.TaskExec, handle)).Status;
        var answer = await guard.AskAsync('v', 10);
        var again = await guard.AskAsync('v', 10);
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        var isEnded = await session.ForgetAsync(guard);
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : answer.StartsWith("CHANGED", StringComparison.Ordinal) || again.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : !isEnded ? AttackOutcome.MemoryLost
            : answer == "intact" ? AttackOutcome.Harmless
            : answer.StartsWith("ended", StringComparison.Ordinal) ? AttackOutcome.EnclaveStopped : AttackOutcome.DefinedError;
        return new Observation(status == 0 && answer != "intact", outcome, $"status {status}: {answer}, {again}");
    }
}
