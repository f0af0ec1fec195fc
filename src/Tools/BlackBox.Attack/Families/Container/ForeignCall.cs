namespace BlackBox.Attacks;

/// <summary>A hypercall from EL1 with somebody else's frame or task.</summary>
internal abstract class ForeignCall(string name, string tries, string control, IReadOnlyList<(char Letter, string Word)> calls) : EvilAttack(name, tries, control, AttackOutcome.Refused)
{
    protected abstract Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim neighbour);

    /// <summary>Lets the neighbour go on.</summary>
    protected virtual Task FinishAsync(AttackSession session, Victim neighbour) => Task.CompletedTask;

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var targets = await TargetsAsync(session, guard);
        var control = await ReachesOwnAsync(session);
        var statuses = new List<string>();
        bool isRefused = true, isAnswered = true;
        foreach (var (letter, word) in calls)
        {
            foreach (var target in targets)
            {
                var (said, _) = await ActAsync(session, letter, target);
                var status = Said(said, word);
                isAnswered &= status is not null;
                isRefused &= status < 0;
                statuses.Add($"{word} {status}");
            }
        }

        await FinishAsync(session, guard);
        var ended = await guard.AskAsync('v', 20);
        var outcome = ended.StartsWith("CHANGED", StringComparison.Ordinal) || !isRefused && isAnswered ? AttackOutcome.SilentChange
            : !isAnswered ? AttackOutcome.Unexpected : ended == "intact" ? AttackOutcome.Refused : AttackOutcome.Unexpected;
        return new Observation(control, outcome, $"{string.Join(", ", statuses)}; neighbour: {ended}");
    }
}
