namespace BlackBox.Attacks;

/// <summary>The kernel's copies between processes.</summary>
internal sealed class OtherProcess() : Attack(
    "memory-other-process", AttackFamily.Memory, "reads the container's heap with process_vm_readv and the debugger's PEEKDATA, and writes to it with POKEDATA",
    "the unprotected program's heap is read and changed so", AttackOutcome.Refused)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var plain = await session.PlainAsync();
        var control = await session.HostileAsync($"process-read {plain.Process} 0x{plain.HeapAddress:x}");
        var controlEnd = await plain.AskAsync('v');
        await session.ForgetAsync(plain);
        var guard = await session.ProtectedAsync();
        var attack = await session.HostileAsync($"process-read {guard.Process} 0x{guard.HeapAddress:x}");
        var ended = await guard.AskAsync('v');
        var isRefused = (long)attack["read"] < 0 && (long)attack["peek"] < 0 && (long)attack["poke"] < 0;
        var outcome = ended.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange
            : !isRefused ? AttackOutcome.Leaked : ended == "intact" ? AttackOutcome.Refused : AttackOutcome.EnclaveStopped;
        return new Observation(control["read"] == 4096 && control["peek"] == 0 && control["poke"] == 0 && controlEnd == "CHANGED", outcome,
            $"protected: {attack.Text.ReplaceLineEndings(" ")}, {ended}; unprotected: {control.Text.ReplaceLineEndings(" ")}, {controlEnd}");
    }
}
