namespace BlackBox.Attacks;

/// <summary>Declaring a living thread dead.</summary>
internal sealed class ExitWhileAlive() : Attack(
    "call-exit-while-alive", AttackFamily.Hypercalls, "calls TaskExit for a thread that waits for input, then lets it go on",
    "before, it answers, and the monitor takes the call", AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("exited");
        var isControl = await guard.IsIntactAsync();
        var handle = (await session.HostileAsync($"task {guard.Process}"))["handle"];
        var statuses = new List<long>();
        for (var round = 0; round < 20 && (statuses.Count == 0 || statuses[^1] is (long)Abi.Status.Again or (long)Abi.Status.Busy); round++)
        {
            statuses.Add((await session.CallAsync(Abi.OsFunction.TaskExit, handle)).Status);
        }

        var answer = await guard.AskAsync('v', 10);
        var scan = await session.ScanAllAsync(MappingMethod.Linear, guard.Salt);
        var isEnded = await session.ForgetAsync(guard);
        var outcome = scan["hits"] > 0 ? AttackOutcome.Leaked : !isEnded ? AttackOutcome.MemoryLost
            : answer.StartsWith("ended", StringComparison.Ordinal) ? AttackOutcome.EnclaveStopped : AttackOutcome.Unexpected;
        return new Observation(isControl && statuses[^1] == 0, outcome, $"statuses {string.Join(' ', statuses)}, then: {answer}");
    }
}
