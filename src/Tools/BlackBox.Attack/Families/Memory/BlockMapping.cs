namespace BlackBox.Attacks;

/// <summary>A large page over a container's frames.</summary>
internal sealed class BlockMapping() : Attack(
    "memory-block-mapping", AttackFamily.Memory, "maps 2 MiB by one block entry, reads and writes the container's frames among them",
    "a frame of the OS is read and written so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var pool = await session.PoolAsync() + 0x1000;
        await session.HostileAsync($"write 0 0x{pool:x} 1");
        var reads = await session.HostileAsync($"block 0x{pool:x} read");
        var writes = await session.HostileAsync($"block 0x{pool:x} write");
        var written = (await session.HostileAsync($"read 0 0x{pool:x} 8")).Lines("bytes");
        var signals = new List<ulong>();
        foreach (var frame in await session.RefusedSampleAsync(6))
        {
            signals.AddRange((await session.HostileAsync($"block 0x{frame:x} read")).Signals);
            signals.AddRange((await session.HostileAsync($"block 0x{frame:x} write")).Signals);
        }

        var outcome = signals.Count == 0 ? AttackOutcome.Unexpected
            : !signals.TrueForAll(signal => signal == 7) ? AttackOutcome.Leaked
            : await guard.IsIntactAsync() ? AttackOutcome.Faulted : AttackOutcome.SilentChange;
        return new Observation(reads.Signals is [0] && writes.Signals is [0] && written is ["686f7374696c6500"], outcome,
            $"signals {string.Join(' ', signals)}; own frame: {reads.Text.Trim()}, {writes.Text.Trim()}, {string.Join(' ', written)}");
    }
}
