namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class DebuggerWrite() : TraceAttack(
    "registers-debugger-write", "stops the thread with ptrace and writes other values into all general and vector registers",
    "the unprotected program notices, or dies of it", AttackOutcome.Harmless | AttackOutcome.EnclaveStopped)
{
    protected override string Command(Victim victim, ulong programCounter) => $"set-registers {victim.Process}";

    protected override bool HasWorked(HostileAnswer answer, Victim victim, string ended) => !ended.StartsWith("intact", StringComparison.Ordinal) && !(ended.StartsWith("ended", StringComparison.Ordinal) && victim.RegisterSalt == 101);
}
