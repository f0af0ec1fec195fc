namespace BlackBox.Attacks;

/// <summary>All the memory that there is.</summary>
internal abstract class HugeMemory(string name, string tries, int limit) : ProgramAttack(
    name, tries, "it does get memory", AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped, 'h', "using memory", limit)
{
    protected override (bool Control, AttackOutcome Outcome) Judge(string answer, HostileAnswer before, HostileAnswer after)
    {
        var isStopped = answer.StartsWith("ended", StringComparison.Ordinal);
        return (isStopped || after["framesPrivate"] > before["framesPrivate"], isStopped ? AttackOutcome.EnclaveStopped : answer.StartsWith("memory", StringComparison.Ordinal) ? AttackOutcome.DefinedError : AttackOutcome.Unexpected);
    }
}
