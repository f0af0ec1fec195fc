namespace BlackBox.Attacks;

/// <summary>Root's own means (debugger, profiler) against a thread that holds its secret in registers. The unprotected program is treated
/// the same way.</summary>
internal abstract class TraceAttack(string name, string tries, string control, AttackOutcome required) : Attack(name, AttackFamily.Registers, tries, control, required)
{
    /// <summary>Words for the program <c>hostile</c>.</summary>
    protected abstract string Command(Victim victim, ulong programCounter);

    /// <summary>Did it work against this victim?</summary>
    protected abstract bool HasWorked(HostileAnswer answer, Victim victim, string ended);

    /// <summary>Does it have the secret in its registers meanwhile?</summary>
    protected virtual bool MustCompute => true;

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        var (control, controlAnswer, controlEnd, place) = await TraceAsync(session, plain, 0);
        await session.ForgetAsync(plain);
        var guard = await session.ProtectedAsync("traced");
        var (worked, answer, ended, _) = await TraceAsync(session, guard, place);
        var scan = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        await session.ForgetAsync(guard);
        var outcome = worked || scan > 0 || Pattern.IsIn(answer.Values("r"), guard.RegisterSalt) || Pattern.IsIn(answer.Values("r"), guard.Salt)
            ? (ended.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange : AttackOutcome.Leaked)
            : ended == "intact" ? AttackOutcome.Harmless
            : ended.StartsWith("ended", StringComparison.Ordinal) ? AttackOutcome.EnclaveStopped : AttackOutcome.Unexpected;
        return new Observation(control, outcome, $"protected: {Short(answer)}, then {ended}; unprotected: {Short(controlAnswer)}, then {controlEnd}");
    }

    private async Task<(bool Worked, HostileAnswer Answer, string Ended, ulong Place)> TraceAsync(AttackSession session, Victim victim, ulong place)
    {
        if (MustCompute && await victim.AskAsync('S') != "spinning")
        {
            throw new InvalidDataException("the victim does not compute");
        }

        if (place == 0 && MustCompute)
        {
            // The program is not relocated: where the unprotected one computes, the protected one does.
            place = (await session.HostileAsync($"registers {victim.Process} 1"))["pc"];
        }

        var answer = await session.HostileAsync(Command(victim, place));
        var ended = await victim.AskAsync('v', 20);
        return (HasWorked(answer, victim, ended), answer, ended, place);
    }

    private static string Short(HostileAnswer answer) =>
        string.Join(' ', answer.Text.Split('\n').Where(line => line.Length > 0 && !line.StartsWith("r ", StringComparison.Ordinal)).Take(4));
}
