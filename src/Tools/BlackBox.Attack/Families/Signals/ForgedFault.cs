namespace BlackBox.Attacks;

/// <summary>Faults that never happened.</summary>
internal sealed class ForgedFault() : SignalAttack(
    "signal-forged-fault", "sends SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGTRAP that say that the kernel raised them for a fault of the program",
    "the unprotected program believes them")
{
    protected override async Task DisturbAsync(AttackSession session, Victim victim)
    {
        foreach (var number in (int[])[11, 7, 8, 4, 5])
        {
            await session.HostileAsync($"signal {victim.Process} {number} 1 0x41410000 20");
        }
    }

    protected override bool IsDeceived(string answer) => answer.StartsWith("BROKEN: forged", StringComparison.Ordinal);
}
