namespace BlackBox.Attacks;

/// <summary>A kernel that gives a wrong result to one system call of the container, or wrong data where its arguments point.</summary>
/// <param name="lie">words for the program <c>hostile</c> without the process: "lie {0} CALL RESULT TIMES SKIP" or "lie-data {0} ..."</param>
/// <param name="command">what the victim does meanwhile</param>
/// <param name="isServedInside">the shield never asks: the attack passes only if the OS does not even see the call</param>
internal abstract class LieAttack(string name, string tries, string lie, char command, bool isServedInside = false) : Attack(
    name, AttackFamily.LyingKernel, tries, "the unprotected program is deceived by the same lie, or dies of it",
    AttackOutcome.Harmless | AttackOutcome.DefinedError | AttackOutcome.EnclaveStopped)
{
    /// <param name="call">number of the system call</param>
    /// <param name="result">what the kernel says instead</param>
    /// <param name="times">so often; 0: each time</param>
    /// <param name="skip">not the first ones</param>
    protected LieAttack(string name, string tries, int call, long result, char command, int times = 0, int skip = 0, bool isServedInside = false)
        : this(name, tries, Words(call, result, times, skip), command, isServedInside)
    {
    }

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        var (control, controlTold, _) = await LieAsync(session, plain);
        await session.ForgetAsync(plain);

        var guard = await session.ProtectedAsync("lied-to");
        var (answer, told, seen) = await LieAsync(session, guard);
        var intact = await guard.AskAsync('v', 20);
        var hits = (await session.ScanAllAsync(MappingMethod.Linear, guard.Salt))["hits"];
        var ended = await session.ForgetAsync(guard);
        var outcome = hits > 0 ? AttackOutcome.Leaked
            : answer.StartsWith("BROKEN", StringComparison.Ordinal) || intact.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : isServedInside && seen > 0 ? AttackOutcome.Unexpected
            : !ended ? AttackOutcome.MemoryLost
            : answer.StartsWith("ended", StringComparison.Ordinal) || answer == "silent" ? AttackOutcome.EnclaveStopped
            : answer.Contains("error", StringComparison.Ordinal) && !answer.EndsWith("errors 0", StringComparison.Ordinal) ? AttackOutcome.DefinedError
            : AttackOutcome.Harmless;

        // A lie that was not told shows nothing, unless it is the point that nobody asks.
        var wasTold = isServedInside || told > 0;
        return new Observation(controlTold > 0 && !IsUndeceived(control) && wasTold, outcome,
            $"protected: {answer} ({(isServedInside ? $"{seen} calls seen" : $"{told} lies")}), {intact}; unprotected: {control} ({controlTold} lies)");
    }

    private static bool IsUndeceived(string answer) => !answer.StartsWith("BROKEN", StringComparison.Ordinal) && !answer.StartsWith("ended", StringComparison.Ordinal) && answer != "silent";

    private static string Words(int call, long result, int times, int skip) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"lie {{0}} {call} 0x{result:x} {times} {skip}");

    private async Task<(string Answer, ulong Told, ulong Seen)> LieAsync(AttackSession session, Victim victim)
    {
        await session.HostileAsync(lie.Replace("{0}", victim.Process.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        var answer = await victim.AskAsync(command, 20);
        var stop = await session.HostileAsync("lie-stop");
        return (answer, stop["told"], stop["seen"]);
    }
}
