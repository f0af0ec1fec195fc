namespace BlackBox.Attacks;

/// <summary>The monitor's memory in a user program's page tables.</summary>
internal sealed class MonitorUserMapping() : Attack(
    "monitor-user-mapping", AttackFamily.Monitor, "maps the monitor's memory into an ordinary process, reads, writes and executes it",
    "a frame of the OS is read so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var pool = await session.PoolAsync();
        var control = await session.HostileAsync($"map 0x{pool:x} read");
        var signals = new List<ulong>();
        for (var address = AttackSession.RamStart; address < session.OsStart; address += (session.OsStart - AttackSession.RamStart) / 6 & ~4095UL)
        {
            foreach (var access in (string[])["read", "write", "execute"])
            {
                signals.AddRange((await session.HostileAsync($"map 0x{address:x} {access}")).Signals);
            }
        }

        return new Observation(control.Signals is [0], signals.TrueForAll(signal => signal == 7) ? AttackOutcome.Faulted : AttackOutcome.Leaked,
            $"{signals.Count} accesses, signals {string.Join(' ', signals.Distinct())}");
    }
}
