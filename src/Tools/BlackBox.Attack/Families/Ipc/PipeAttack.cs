namespace BlackBox.Attacks;

/// <summary>What goes from one task of an enclave to another.</summary>
/// <param name="command">p: a pipe, k: a pair of sockets</param>
/// <param name="access">read or write</param>
internal abstract class PipeAttack(string name, string tries, string control, char command, string access) : Attack(
    name, AttackFamily.Ipc, tries, control, AttackOutcome.Refused | AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        var (control, controlEnd) = await StealAsync(session, plain);
        var guard = await session.ProtectedAsync("piped");
        var (answer, ended) = await StealAsync(session, guard);
        var intact = await guard.AskAsync('v', 20);
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        await session.ForgetAsync(guard);
        await session.ForgetAsync(plain);
        var outcome = hits > 0 || Pattern.IsIn(answer.Values("r"), guard.Salt) ? AttackOutcome.Leaked
            : ended.StartsWith("BROKEN", StringComparison.Ordinal) || intact.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : ended == "pipe intact" && intact == "intact" ? AttackOutcome.Harmless
            : ended.StartsWith("error", StringComparison.Ordinal) ? AttackOutcome.DefinedError : AttackOutcome.EnclaveStopped;
        var worked = access == "read" ? Pattern.IsIn(control.Values("r"), plain.Salt) : controlEnd.StartsWith("BROKEN", StringComparison.Ordinal);
        return new Observation(worked, outcome, $"protected: {First(answer)}, {ended}, {hits} places in memory; unprotected: {First(control)}, {controlEnd}");
    }

    private async Task<(HostileAnswer Answer, string Ended)> StealAsync(AttackSession session, Victim victim)
    {
        var made = await victim.AskAsync(command);
        if (!made.StartsWith("pipe ", StringComparison.Ordinal))
        {
            throw new InvalidDataException($"no pipe: {made}");
        }

        var ends = made.Split(' ');
        var answer = await session.HostileAsync($"steal {victim.Process} {(access == "read" ? ends[1] : ends[2])} {access}");
        return (answer, await victim.AskAsync('P', 20));
    }

    private static string First(HostileAnswer answer) => answer.Text.Split('\n')[0];
}
