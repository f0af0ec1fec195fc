namespace BlackBox.Attacks;

/// <summary>A kernel that grants other frames than it says: the memory family of the enclave's own interface.</summary>
internal abstract class GrantAttack(string name, string tries) : Attack(
    name, AttackFamily.LyingKernel, tries, "the lie is told, and mmap deceives the unprotected program in the same way",
    AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    private const ulong BufferOffset = 0x1_0000;

    /// <summary>The frame that takes the place of the one that was granted; 0: one that was granted before.</summary>
    protected abstract Task<ulong> FrameAsync(AttackSession session);

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        await session.HostileAsync($"lie {plain.Process} 222 0x70000000 0 0");
        var control = await plain.AskAsync('m', 20);
        await session.HostileAsync("lie-stop");
        await session.ForgetAsync(plain);

        var neighbour = await session.ProtectedAsync();
        var guard = await session.ProtectedAsync("granted");
        var frame = await FrameAsync(session);
        var data = (await session.HostileAsync($"task {guard.Process}"))["data"];
        await session.HostileAsync($"disturb {guard.Process} 0x{data + BufferOffset:x} 1 0 4096 4 1 0x{frame:x}");
        var answers = new List<string>();
        foreach (var command in "mmfm")
        {
            answers.Add(await guard.AskAsync(command, 20));
            if (answers[^1] == "silent" || answers[^1].StartsWith("ended", StringComparison.Ordinal))
            {
                break;
            }
        }

        var lies = (await session.HostileAsync("disturb-stop"))["writes"];
        var intact = answers[^1].StartsWith("ended", StringComparison.Ordinal) ? answers[^1] : await guard.AskAsync('v', 20);
        var isNeighbourIntact = await neighbour.IsIntactAsync();
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        var ended = await session.ForgetAsync(guard);
        answers.Add(intact);
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : !isNeighbourIntact || answers.Exists(answer => answer.StartsWith("BROKEN", StringComparison.Ordinal) || answer.StartsWith("CHANGED", StringComparison.Ordinal)) ? AttackOutcome.SilentChange
            : !ended ? AttackOutcome.MemoryLost
            : answers.Exists(answer => answer.StartsWith("ended", StringComparison.Ordinal) || answer == "silent") ? AttackOutcome.EnclaveStopped
            : answers.Exists(answer => answer.StartsWith("error", StringComparison.Ordinal)) ? AttackOutcome.DefinedError : AttackOutcome.Harmless;
        return new Observation(lies > 0 && (control.StartsWith("ended", StringComparison.Ordinal) || control.StartsWith("BROKEN", StringComparison.Ordinal)), outcome,
            $"{lies} lies: {string.Join(", ", answers)}; unprotected: {control}");
    }
}
