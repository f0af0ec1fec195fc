using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>Ending an enclave under a thread that runs in it.</summary>
internal sealed class DestroyWhileRunning() : Attack(
    "call-destroy-while-running", AttackFamily.Hypercalls, "destroys the enclave, its task and its memory while the container computes on the other CPU, and searches what comes back",
    "the container runs, and stops for it", AttackOutcome.EnclaveStopped)
{
    private const int Frames = 24;

    public override string Mutant => "reclaim-in-use";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("destroyed");
        var handle = (await session.HostileAsync($"task {guard.Process}"))["handle"];
        var enclave = HostileAnswer.Number((await session.HostileAsync("enclaves")).Lines("enclave").First(line => line.Contains($"process {guard.Process} ", StringComparison.Ordinal)));

        // Other victims may live on this machine: some of these frames are this one's.
        var frames = await session.RefusedSampleAsync(Frames);
        var started = await guard.AskAsync('S');
        var statuses = new List<long>();
        for (var round = 0; round < 3; round++)
        {
            statuses.Add((await session.CallAsync(OsFunction.TaskDestroy, handle)).Status);
            statuses.AddRange((await session.HostileAllAsync([.. frames.Select(frame => AttackSession.CallWords(OsFunction.ReclaimMemory, enclave, frame, 1))])).Select(answer => answer.Status));
            statuses.Add((await session.CallAsync(OsFunction.TaskExec, handle)).Status);
        }

        var isRefused = statuses.TrueForAll(status => status < 0);
        await session.CallAsync(OsFunction.DestroyEnclave, enclave);
        var answer = await guard.WaitAsync(2, 10);
        var scan = await session.ScanAllAsync(MappingMethod.Linear, guard.Salt);
        var registers = await session.ScanAllAsync(MappingMethod.Linear, guard.RegisterSalt);
        var isEnded = await session.ForgetAsync(guard);
        await session.TryShellAsync("sleep 1");
        var left = (await session.HostileAsync("enclaves")).Lines("enclave").Any(line => line.Contains($"process {guard.Process} ", StringComparison.Ordinal));
        var outcome = scan["hits"] + registers["hits"] > 0 ? AttackOutcome.Leaked
            : !isRefused ? AttackOutcome.SilentChange
            : !isEnded || left ? AttackOutcome.MemoryLost
            : answer.StartsWith("ended", StringComparison.Ordinal) ? AttackOutcome.EnclaveStopped : AttackOutcome.Unexpected;
        return new Observation(started == "spinning", outcome, $"{statuses.Count} calls, statuses {string.Join(' ', statuses.Distinct())}, then: {answer}");
    }
}
