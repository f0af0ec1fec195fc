namespace BlackBox.Attacks;

/// <summary>A kernel that gives a wrong result to one system call of the container.</summary>
/// <param name="call">its number</param>
/// <param name="result">what the kernel says instead</param>
/// <param name="command">what the victim does meanwhile</param>
/// <param name="times">so often; 0: each time</param>
/// <param name="skip">not the first ones</param>
internal abstract class LieAttack(string name, string tries, int call, long result, char command, int times = 0, int skip = 0) : Attack(
    name, AttackFamily.LyingKernel, tries, "the unprotected program is deceived by the same lie, or dies of it",
    AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        var (control, controlTold) = await LieAsync(session, plain);
        await session.ForgetAsync(plain);

        var guard = await session.ProtectedAsync("lied-to");
        var (answer, told) = await LieAsync(session, guard);
        var intact = await guard.AskAsync('v', 20);
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        var ended = await session.ForgetAsync(guard);
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : answer.StartsWith("BROKEN", StringComparison.Ordinal) || intact.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : !ended ? AttackOutcome.MemoryLost
            : answer.StartsWith("ended", StringComparison.Ordinal) || answer == "silent" ? AttackOutcome.EnclaveStopped
            : answer.Contains("error", StringComparison.Ordinal) && !answer.EndsWith("errors 0", StringComparison.Ordinal) ? AttackOutcome.DefinedError
            : AttackOutcome.Harmless;
        return new Observation(controlTold > 0 && !IsUndeceived(control), outcome, $"protected: {answer} ({told} lies), {intact}; unprotected: {control} ({controlTold} lies)");
    }

    private static bool IsUndeceived(string answer) => !answer.StartsWith("BROKEN", StringComparison.Ordinal) && !answer.StartsWith("ended", StringComparison.Ordinal) && answer != "silent";

    private async Task<(string Answer, ulong Told)> LieAsync(AttackSession session, Victim victim)
    {
        await session.HostileAsync(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"lie {victim.Process} {call} 0x{result:x} {times} {skip}"));
        var answer = await victim.AskAsync(command, 20);
        return (answer, (await session.HostileAsync("lie-stop"))["told"]);
    }
}
