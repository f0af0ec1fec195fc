namespace BlackBox.Attacks;

/// <summary>The wall clock, set back.</summary>
internal sealed class ClockBack() : Attack(
    "interrupt-clock-back", AttackFamily.Interrupts, "sets the system's clock back again and again while the container reads it",
    "the unprotected program sees time go back", AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        var control = await WatchAsync(session, plain);
        await session.ForgetAsync(plain);
        var guard = await session.ProtectedAsync("clock");
        var answer = await WatchAsync(session, guard);
        var intact = await guard.AskAsync('v');
        await session.ForgetAsync(guard);
        var outcome = answer.StartsWith("BROKEN", StringComparison.Ordinal) || intact.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : answer == "clocks" ? AttackOutcome.Harmless
            : answer.StartsWith("error", StringComparison.Ordinal) ? AttackOutcome.DefinedError : AttackOutcome.EnclaveStopped;
        return new Observation(control.StartsWith("BROKEN", StringComparison.Ordinal), outcome, $"protected: {answer}; unprotected: {control}");
    }

    private static async Task<string> WatchAsync(AttackSession session, Victim victim)
    {
        await session.TryShellAsync("date +%s > /run/now; (while [ -e /run/now ]; do date -s @$(($(cat /run/now) - 100000)); date -s @$(cat /run/now); done) >/dev/null 2>&1 &");
        try
        {
            return await victim.AskAsync('w');
        }
        finally
        {
            await session.TryShellAsync("n=$(cat /run/now); rm -f /run/now; sleep 0.2; date -s @$n >/dev/null");
        }
    }
}
