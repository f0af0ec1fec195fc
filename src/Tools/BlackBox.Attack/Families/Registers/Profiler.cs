namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class Profiler() : TraceAttack(
    "registers-profiler", "samples the thread's registers every tenth of a millisecond with the kernel's profiler",
    "the samples of the unprotected program show its registers", AttackOutcome.Harmless)
{
    protected override string Command(Victim victim, ulong programCounter) => $"samples {victim.Process} 1500";

    protected override bool HasWorked(HostileAnswer answer, Victim victim, string ended) => Pattern.IsIn(answer.Values("r"), victim.RegisterSalt);
}
