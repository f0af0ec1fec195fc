namespace BlackBox.Attacks;

/// <summary>Two containers, each on the other's thread.</summary>
internal sealed class SwappedHandles() : Attack(
    "gate-swapped-handles", AttackFamily.Gate, "exchanges the handles of two containers while both wait for input, then answers both",
    "the exchange takes effect: the first does not answer as it should", AttackOutcome.Harmless | AttackOutcome.EnclaveStopped | AttackOutcome.DefinedError)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var one = await session.ProtectedAsync("one");
        var two = await session.ProtectedAsync("two");
        var first = (await session.HostileAsync($"task {one.Process}"))["handle"];
        var second = (await session.HostileAsync($"task {two.Process}"))["handle"];
        await session.HostileAsync($"set-handle {one.Process} 0x{second:x}");
        await session.HostileAsync($"set-handle {two.Process} 0x{first:x}");
        var answers = new[] { await one.AskAsync('v', 5), await two.AskAsync('v', 5), await one.AskAsync('v', 5) };
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, one.Salt))["hits"];
        var ended = await session.ForgetAsync(one) & await session.ForgetAsync(two);
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : answers.Any(answer => answer.StartsWith("CHANGED", StringComparison.Ordinal)) ? AttackOutcome.SilentChange
            : !ended ? AttackOutcome.MemoryLost
            : answers.All(answer => answer == "intact") ? AttackOutcome.Harmless : AttackOutcome.DefinedError;
        return new Observation(first != second && answers.Any(answer => answer != "intact"), outcome, string.Join(", ", answers));
    }
}
