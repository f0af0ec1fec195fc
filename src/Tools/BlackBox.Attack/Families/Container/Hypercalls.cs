namespace BlackBox.Attacks;

/// <summary>Everything that EL1 can ask.</summary>
internal sealed class Hypercalls() : EvilAttack(
    "container-hypercalls", "makes 20,000 hypercalls with any immediate and any arguments from EL1", "some of them are answered", AttackOutcome.Refused)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var (said, ended) = await ActAsync(session, 'h', (ulong)session.Round, 60);
        var (refused, answered) = (Said(said, "refused"), Said(said, "answered"));
        var isIntact = await guard.AskAsync('f') == "child 17" && await guard.IsIntactAsync();
        return new Observation(answered > 0, !isIntact ? AttackOutcome.SilentChange : refused > 1000 ? AttackOutcome.Refused : AttackOutcome.Unexpected,
            $"{refused} refused, {answered} answered (own memory, random numbers, versions); then {ended}; neighbour {(isIntact ? "intact" : "changed")}");
    }
}
