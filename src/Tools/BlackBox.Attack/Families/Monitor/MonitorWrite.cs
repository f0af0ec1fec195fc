namespace BlackBox.Attacks;

/// <summary>Overwriting the monitor.</summary>
internal sealed class MonitorWrite() : Attack(
    "monitor-write", AttackFamily.Monitor, "writes into every frame of the monitor through memremap and ioremap",
    "a frame of the OS is written so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var pool = await session.PoolAsync();
        await session.HostileAsync($"write {(int)MappingMethod.Memremap} 0x{pool:x} 0x1234");
        var control = await session.HostileAsync($"read 0 0x{pool:x} 8");
        ulong written = 0, refused = 0;
        foreach (var method in (MappingMethod[])[MappingMethod.Memremap, MappingMethod.Ioremap])
        {
            var answer = await session.HostileAsync($"refused {(int)method} 0x{AttackSession.RamStart:x} 0x{session.OsStart:x} 1");
            written += answer["written"];
            refused += answer["refused"];
        }

        var outcome = written > 0 || !await guard.IsIntactAsync() ? AttackOutcome.SilentChange : refused > 0 ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(control.Lines("bytes") is ["3412000000000000"], outcome, $"{refused} frames refused, {written} written");
    }
}
