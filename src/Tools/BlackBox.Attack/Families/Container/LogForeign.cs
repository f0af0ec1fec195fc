namespace BlackBox.Attacks;

/// <summary>The console as a window into memory.</summary>
internal sealed class LogForeign() : ForeignCall(
    "container-log-foreign", "lets the monitor print text that stands in the monitor's, the OS's and another container's memory", "it prints text of its own", [('l', "log")])
{
    public override string Mutant => "log-owner";

    protected override async Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim neighbour) =>
        [session.OsStart - 4096, await session.PoolAsync(), .. await session.RefusedSampleAsync(2)];
}
