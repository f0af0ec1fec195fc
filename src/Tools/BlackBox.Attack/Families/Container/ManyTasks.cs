namespace BlackBox.Attacks;

/// <summary>All the tasks that there are.</summary>
internal sealed class ManyTasks() : ProgramAttack(
    "container-many-tasks", "forks until it may not any more", "it gets more than 50 tasks", AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped, 'y', "making tasks")
{
    protected override (bool Control, AttackOutcome Outcome) Judge(string answer, HostileAnswer before, HostileAnswer after)
    {
        var made = answer.StartsWith("tasks ", StringComparison.Ordinal) ? int.Parse(answer.AsSpan(6), System.Globalization.CultureInfo.InvariantCulture) : 0;
        return (made > 50 || answer.StartsWith("ended", StringComparison.Ordinal), made > 0 ? AttackOutcome.DefinedError : answer.StartsWith("ended", StringComparison.Ordinal) ? AttackOutcome.EnclaveStopped : AttackOutcome.Unexpected);
    }
}
