namespace BlackBox.Attacks;

/// <summary>What an interrupt leaves of a container's registers.</summary>
internal sealed class RegistersInMemory() : Attack(
    "registers-in-memory", AttackFamily.Registers, "searches all RAM for general and vector registers of a container that is interrupted again and again",
    "the registers of the unprotected program are found in the kernel's memory", AttackOutcome.Harmless)
{
    public override string Mutant => "vectors-clear";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var started = (await guard.AskAsync('S'), await plain.AskAsync('S'));
        ulong hits = 0, control = 0;
        for (var round = 0; round < 3; round++)
        {
            control += (await session.ScanAllAsync(MappingMethod.Linear, plain.RegisterSalt))["hits"];
            hits += (await session.ScanAllAsync(MappingMethod.Linear, guard.RegisterSalt))["hits"];
        }

        var ended = (await guard.AskAsync('v'), await plain.AskAsync('v'));
        var outcome = hits > 0 ? AttackOutcome.Leaked : ended.Item1 == "intact" ? AttackOutcome.Harmless : AttackOutcome.SilentChange;
        return new Observation(started == ("spinning", "spinning") && control > 0 && ended.Item2 == "intact", outcome,
            $"protected: {hits} places, {ended.Item1}; unprotected: {control} places");
    }
}
