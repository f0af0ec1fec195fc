namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class Breakpoint() : TraceAttack(
    "registers-breakpoint", "sets a hardware breakpoint where the program computes",
    "it stops the unprotected program", AttackOutcome.Harmless)
{
    protected override string Command(Victim victim, ulong programCounter) => $"breakpoint {victim.Process} 0x{programCounter & ~3UL:x} execute 3";

    protected override bool HasWorked(HostileAnswer answer, Victim victim, string ended) => answer["hits"] > 0;
}
