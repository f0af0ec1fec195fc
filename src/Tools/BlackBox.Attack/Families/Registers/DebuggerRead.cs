namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DebuggerRead() : TraceAttack(
    "registers-debugger-read", "stops the thread with ptrace twenty times and reads general and vector registers",
    "the unprotected program's registers are read so", AttackOutcome.Harmless)
{
    protected override string Command(Victim victim, ulong programCounter) => $"registers {victim.Process} 20";

    protected override bool HasWorked(HostileAnswer answer, Victim victim, string ended) => Pattern.IsIn(answer.Values("r"), victim.RegisterSalt);
}
