namespace BlackBox.Attacks;

/// <summary>A virtio device whose queue names what is not the OS's: as a buffer to fill with random bytes, and as the ring in which it tells what it has done.</summary>
internal abstract class QueueAttack(string name, string tries) : Attack(
    name, AttackFamily.Dma, tries, "with frames of the OS the device fills the buffer and writes the ring", AttackOutcome.Refused)
{
    // Not the whole frame: what stands around a target may change by itself.
    private const int Bytes = 256;

    protected abstract Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard);

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var own = await session.PoolAsync() + 0x7000;
        var control = await ControlAsync(session, own);
        var targets = (await TargetsAsync(session, guard)).Select(target => target & ~(ulong)(Bytes - 1)).Distinct().ToList();
        var before = await SmmuCounters.ReadAsync(session);
        var (buffers, rings) = (0, 0);
        ulong stream = 0;
        foreach (var target in targets)
        {
            stream = await ChangesAsync(session, target, $"queue 0x{target:x} {Bytes} 0", () => buffers++);
            _ = await ChangesAsync(session, target, $"queue 0 {Bytes} 0x{target:x}", () => rings++);
            if (buffers + rings > 0)
            {
                // What has succeeded on one would bring the machine down on all.
                break;
            }
        }

        var after = await SmmuCounters.ReadAsync(session);
        var outcome = buffers + rings > 0 || !await guard.IsIntactAsync() ? AttackOutcome.SilentChange
            : after.Faults > before.Faults && after.Stream == stream ? AttackOutcome.Refused : AttackOutcome.Unexpected;

        // Refused once, it works again.
        control &= await ControlAsync(session, own) && targets.Count > 0;
        return new Observation(control, outcome,
            $"{targets.Count} places: {buffers} filled, {rings} rings written; {after.Faults - before.Faults} faults counted, the last of stream 0x{after.Stream:x} (the device's: 0x{stream:x})");
    }

    private static async Task<ulong> ChangesAsync(AttackSession session, ulong target, string words, Action onChange)
    {
        var before = await PhysicalView.ReadAsync(session, target, Bytes);
        var stream = (await session.HostileAsync(words))["stream"];
        var after = await PhysicalView.ReadAsync(session, target, Bytes);
        if (!before.AsSpan().SequenceEqual(after))
        {
            onChange();
        }

        return stream;
    }

    private static async Task<bool> ControlAsync(AttackSession session, ulong own)
    {
        await session.HostileAsync($"write 0 0x{own:x} 0");
        var before = await PhysicalView.ReadAsync(session, own, Bytes);
        var filled = await session.HostileAsync($"queue 0x{own:x} {Bytes} 0");
        var after = await PhysicalView.ReadAsync(session, own, Bytes);
        await session.HostileAsync($"write 0 0x{own + 0x800:x} 0");
        await session.HostileAsync($"queue 0 {Bytes} 0x{own + 0x800:x}");
        var ring = await PhysicalView.ReadAsync(session, own + 0x800, 4);
        return filled["used"] == 1 && !before.AsSpan().SequenceEqual(after) && BitConverter.ToUInt16(ring, 2) == 1;
    }
}
