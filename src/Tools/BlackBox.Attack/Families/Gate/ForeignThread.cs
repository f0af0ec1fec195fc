namespace BlackBox.Attacks;

/// <summary>Carrying a container's task on a thread of the attacker's, to see its registers.</summary>
internal sealed class ForeignThread() : Attack(
    "gate-foreign-thread", AttackFamily.Gate, "enters the gate from its own process with a spinning container's handle, and looks at the registers that come back",
    "the handle lets its process in: the container runs on", AttackOutcome.Harmless | AttackOutcome.EnclaveStopped | AttackOutcome.DefinedError)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("foreign");
        var handle = (await session.HostileAsync($"task {guard.Process}"))["handle"];
        var started = await guard.AskAsync('S');
        // Not to lose the race for the handle with its own thread, stop that one.
        await session.TryShellAsync($"kill -STOP {guard.Process}; sleep 1");
        var attack = await session.HostileAsync($"gate 0x{handle:x} 0 0 0 3");
        var registers = Enumerable.Range(0, 31).SelectMany(i => attack.Values($"x{i}")).ToList();
        var hasEntered = attack.CountEntered() == 1;
        await session.TryShellAsync($"kill -CONT {guard.Process}");
        var scan = await session.ScanAllAsync(MappingMethod.Linear, guard.RegisterSalt);
        var ended = await guard.AskAsync('v');
        await session.ForgetAsync(guard);
        var isLeaked = scan["hits"] > 0 || HasPattern(registers, guard.RegisterSalt);
        var outcome = isLeaked ? AttackOutcome.Leaked : ended switch
        {
            "intact" => AttackOutcome.Harmless,
            _ when ended.StartsWith("CHANGED", StringComparison.Ordinal) => AttackOutcome.SilentChange,
            "silent" => AttackOutcome.DefinedError,
            _ => AttackOutcome.EnclaveStopped,
        };
        return new Observation(started == "spinning" && hasEntered, outcome, $"signals {string.Join(' ', attack.Signals)}, then: {ended}");
    }

    private static bool HasPattern(List<ulong> words, int salt)
    {
        var step = unchecked(0x9E37_79B9_7F4A_7C15UL * (ulong)salt) | 1;
        return words.Zip(words.Skip(1)).Any(pair => pair.Second == unchecked((pair.First * 6364136223846793005UL) + step));
    }
}
