namespace BlackBox.Attacks;

/// <summary>All the memory that there is.</summary>
internal sealed class HugeMemory() : ProgramAttack(
    "container-huge-memory", "uses memory until there is no more of it", "it gets more than 100 MiB",
    AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped, 'h', "using memory")
{
    private ulong _most;

    protected override (bool Control, AttackOutcome Outcome) Judge(string answer, HostileAnswer before, HostileAnswer after)
    {
        _most = after["framesPrivate"] - Math.Min(after["framesPrivate"], before["framesPrivate"]);
        var isStopped = answer.StartsWith("ended", StringComparison.Ordinal);
        return (isStopped || _most > 25600, isStopped ? AttackOutcome.EnclaveStopped : answer.StartsWith("memory", StringComparison.Ordinal) ? AttackOutcome.DefinedError : AttackOutcome.Unexpected);
    }
}
