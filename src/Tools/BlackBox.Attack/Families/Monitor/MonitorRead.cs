namespace BlackBox.Attacks;

/// <summary>The monitor's own memory, with the shield's image in it.</summary>
internal sealed class MonitorRead() : Attack(
    "monitor-read", AttackFamily.Monitor, "maps all memory of the monitor (code, shield image, tables, keys) with memremap and ioremap and reads it",
    "a frame of the OS is read so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var pool = await session.PoolAsync();
        var control = await session.HostileAsync($"read {(int)MappingMethod.Memremap} 0x{pool:x} 64");
        ulong readable = 0, refused = 0;
        foreach (var method in (MappingMethod[])[MappingMethod.Memremap, MappingMethod.Ioremap, MappingMethod.IoremapWriteCombining])
        {
            var answer = await session.HostileAsync($"refused {(int)method} 0x{AttackSession.RamStart:x} 0x{session.OsStart:x} 0");
            readable += answer["read"];
            refused += answer["refused"];
        }

        return new Observation(control["status"] == 0, readable > 0 ? AttackOutcome.Leaked : refused > 0 ? AttackOutcome.Faulted : AttackOutcome.Unexpected,
            $"{refused} frames refused, {readable} read");
    }
}
