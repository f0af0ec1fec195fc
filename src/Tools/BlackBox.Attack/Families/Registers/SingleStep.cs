namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class SingleStep() : TraceAttack(
    "registers-single-step", "lets the thread make 2,000 single steps and reads the registers after them",
    "the unprotected program is stepped, and shows its registers", AttackOutcome.Harmless)
{
    protected override string Command(Victim victim, ulong programCounter) => $"steps {victim.Process} 2000";

    protected override bool HasWorked(HostileAnswer answer, Victim victim, string ended) => Pattern.IsIn(answer.Values("r"), victim.RegisterSalt);
}
