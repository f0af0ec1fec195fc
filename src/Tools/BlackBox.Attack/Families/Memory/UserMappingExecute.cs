namespace BlackBox.Attacks;

/// <summary>Running the container's memory as code of the attacker's process.</summary>
internal sealed class UserMappingExecute() : Attack(
    "memory-execute-user-mapping", AttackFamily.Memory, "maps the container's frames into an ordinary process and jumps there",
    "a frame of the OS with a return instruction in it runs so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        await session.ProtectedAsync();
        var pool = await session.PoolAsync();
        await session.HostileAsync($"write 0 0x{pool:x} 0xd65f03c0d65f03c0"); // ret; ret
        var control = await session.HostileAsync($"map 0x{pool:x} execute");
        var signals = new List<ulong>();
        foreach (var frame in await session.RefusedSampleAsync(4))
        {
            signals.AddRange((await session.HostileAsync($"map 0x{frame:x} execute")).Signals);
        }

        var outcome = signals.Count > 0 && signals.TrueForAll(signal => signal == 7) ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(control.Signals is [0], outcome, $"signals {string.Join(' ', signals)}");
    }
}
