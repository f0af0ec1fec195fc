namespace BlackBox.Attacks;

/// <summary>Signals to a victim that handles them and looks at what it is told.</summary>
internal abstract class SignalAttack(string name, string tries, string control) : Attack(
    name, AttackFamily.Signals, tries, control, AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    /// <summary>What is done to it while it takes signals.</summary>
    protected abstract Task DisturbAsync(AttackSession session, Victim victim);

    /// <summary>Did the unprotected program suffer?</summary>
    protected abstract bool IsDeceived(string answer);

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        var control = await TakeAsync(session, plain);
        await session.ForgetAsync(plain);
        var guard = await session.ProtectedAsync("signalled");
        var answer = await TakeAsync(session, guard);
        var intact = await guard.AskAsync('v', 20);
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        var isEnded = await session.ForgetAsync(guard);
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : answer.StartsWith("BROKEN", StringComparison.Ordinal) || answer.StartsWith("CHANGED", StringComparison.Ordinal) || intact.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : !isEnded ? AttackOutcome.MemoryLost
            : answer.StartsWith("signals", StringComparison.Ordinal) && intact == "intact" ? AttackOutcome.Harmless : AttackOutcome.EnclaveStopped;
        return new Observation(IsDeceived(control), outcome, $"protected: {answer}, {intact}; unprotected: {control}");
    }

    private async Task<string> TakeAsync(AttackSession session, Victim victim)
    {
        if (await victim.AskAsync('g') != "taking signals")
        {
            throw new InvalidDataException("the victim takes no signals");
        }

        await DisturbAsync(session, victim);
        await session.TryShellAsync($"printf . 1<>/run/victims/{victim.Name}/in");
        return await victim.WaitAsync(await victim.LinesAsync("taking signals"), 30);
    }
}
