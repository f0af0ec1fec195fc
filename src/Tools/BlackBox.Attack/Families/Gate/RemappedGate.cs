namespace BlackBox.Attacks;

/// <summary>Another page in the gate's place.</summary>
internal sealed class RemappedGate() : Attack(
    "gate-remapped", AttackFamily.Gate, "points the gate's page-table entry at a page with code of its own, then back",
    "the container's thread runs that code meanwhile", AttackOutcome.Harmless)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("remapped");
        var gate = (await session.HostileAsync($"task {guard.Process}"))["gate"];
        var pool = await session.PoolAsync();
        await session.HostileAsync($"write 0 0x{pool:x} 0x1400000014000000"); // b . ; b .
        var old = (await session.HostileAsync($"entry {guard.Process} 0x{gate:x}"))["entry"];
        var changed = (old & ~0x0000_ffff_ffff_f000UL) | pool;
        await session.HostileAsync($"set-entry {guard.Process} 0x{gate:x} 0x{changed:x}");
        var meanwhile = await guard.AskAsync('v', 4);
        var registers = await session.HostileAsync($"task {guard.Process}");
        var scan = await session.ScanAllAsync(MappingMethod.Linear, guard.Salt);
        await session.HostileAsync($"set-entry {guard.Process} 0x{gate:x} 0x{old:x}");
        var afterwards = await guard.WaitAsync(1, 20);
        var outcome = scan["hits"] > 0 ? AttackOutcome.Leaked : afterwards == "intact" ? AttackOutcome.Harmless
            : afterwards.StartsWith("CHANGED", StringComparison.Ordinal) ? AttackOutcome.SilentChange : AttackOutcome.Unexpected;
        await session.ForgetAsync(guard);
        return new Observation(meanwhile == "silent" && registers["pc"] - gate < 4096, outcome, $"meanwhile: {meanwhile}, afterwards: {afterwards}");
    }
}
