namespace BlackBox.Attacks;

/// <summary>More signals than can be handled.</summary>
internal sealed class SignalStorm() : SignalAttack(
    "signal-storm", "sends four kinds of signals 3,000 times each while the container computes, with an interrupt of its CPU every millisecond",
    "the unprotected program gets them")
{
    protected override async Task DisturbAsync(AttackSession session, Victim victim)
    {
        await session.HostileAsync("storm 0 1000 0");
        await session.HostileAllAsync([.. Enumerable.Range(0, 20).SelectMany(_ => (int[])[10, 12, 14, 1]).Select(number => $"signal {victim.Process} {number} 0 0 150")]);
        await session.HostileAsync("storm-stop");
    }

    protected override bool IsDeceived(string answer) => answer.StartsWith("signals ", StringComparison.Ordinal) && answer != "signals 0";
}
