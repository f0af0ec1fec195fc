namespace BlackBox.Attacks;

/// <summary>A translation that a CPU has kept.</summary>
internal sealed class StaleTranslation() : Attack(
    "memory-stale-translation", AttackFamily.Memory, "grants a frame while this CPU and the other one have its translation in their TLBs, and reads on without an interrupt in between",
    "before the grant both read it", AttackOutcome.Faulted)
{
    public override string Mutant => "tlb-flush";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("stale");
        var enclave = await CallAttack.EnclaveAsync(session, guard);
        var frame = await session.PoolAsync() + 0x8_0000;
        var answer = await session.HostileAsync($"stale 0x{enclave:x} 0x{frame:x} 1");
        await session.HostileAllAsync([.. new[] { frame, frame - 0x1000 }.Select(granted => AttackSession.CallWords(Abi.OsFunction.ReclaimMemory, enclave, granted, 1))]);
        var ended = await guard.AskAsync('v');
        await session.ForgetAsync(guard);
        var outcome = answer["here"] + answer["there"] > 0 ? AttackOutcome.Leaked : ended == "intact" ? AttackOutcome.Faulted : AttackOutcome.SilentChange;
        return new Observation(answer["status"] == 0 && answer["before"] >= 1000, outcome, $"reads after the grant: {answer["here"]} here, {answer["there"]} on the other CPU; {answer["before"]} before");
    }
}
