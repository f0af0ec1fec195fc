namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class Watchpoint() : TraceAttack(
    "registers-watchpoint", "sets a hardware watchpoint on the secret, and lets the program look at it",
    "it stops the unprotected program", AttackOutcome.Harmless)
{
    protected override bool MustCompute => false;

    protected override string Command(Victim victim, ulong programCounter) =>
        $"breakpoint {victim.Process} 0x{victim.HeapAddress:x} access 4 & sleep 1; printf v 1<>/run/victims/{victim.Name}/in; wait";

    protected override bool HasWorked(HostileAnswer answer, Victim victim, string ended) => answer["hits"] > 0;
}
