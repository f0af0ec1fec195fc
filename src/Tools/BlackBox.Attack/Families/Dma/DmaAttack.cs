namespace BlackBox.Attacks;

/// <summary>A device with a DMA engine reads or writes what is not the OS's.</summary>
internal abstract class DmaAttack(string name, string tries, bool isWrite) : Attack(
    name, AttackFamily.Dma, tries, isWrite ? "the same transfer writes to a frame of the OS" : "the same transfer reads a frame of the OS", AttackOutcome.Refused)
{
    protected const ulong Word = 0x6d6f_7266_2061_6d64; // "dma from"

    protected abstract Task<IReadOnlyList<ulong>> TargetsAsync(AttackSession session, Victim guard);

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var own = await session.PoolAsync() + 0x5040;
        var targets = await TargetsAsync(session, guard);
        var before = await SmmuCounters.ReadAsync(session);
        var control = await ControlAsync(session, own) && (await SmmuCounters.ReadAsync(session)).Faults == before.Faults && targets.Count > 0;
        var (stream, reached) = isWrite ? await WriteAsync(session, targets) : await ReadAsync(session, targets);
        var after = await SmmuCounters.ReadAsync(session);
        var counted = after.Faults - before.Faults;
        var isNamed = after.Stream == stream && targets.Contains(after.Address & ~(ulong)(DmaDevice.Chunk - 1));
        var outcome = reached > 0 ? isWrite ? AttackOutcome.SilentChange : AttackOutcome.Leaked
            : !await guard.IsIntactAsync() ? AttackOutcome.SilentChange
            : counted >= (ulong)targets.Count && isNamed ? AttackOutcome.Refused : AttackOutcome.Unexpected;
        return new Observation(control, outcome,
            $"{targets.Count} places, {reached} reached; {counted} faults counted, the last of stream 0x{after.Stream:x} (the device's: 0x{stream:x}) at 0x{after.Address:x}");
    }

    private static async Task<(ulong Stream, int Reached)> ReadAsync(AttackSession session, IReadOnlyList<ulong> targets)
    {
        var (bytes, stream) = await DmaDevice.ReadAsync(session, targets);
        return (stream, bytes.Count(text => !DmaDevice.IsNothing(text)));
    }

    // One place first: where nothing defends, the others would bring the machine down.
    private static async Task<(ulong Stream, int Reached)> WriteAsync(AttackSession session, IReadOnlyList<ulong> targets)
    {
        var stream = await DmaDevice.WriteAsync(session, Word, [targets[targets.Count / 2]]);
        if (await PhysicalView.HoldsAsync(session, targets[targets.Count / 2], Word))
        {
            return (stream, 1);
        }

        await DmaDevice.WriteAsync(session, Word, targets);
        var reached = 0;
        foreach (var target in targets)
        {
            reached += await PhysicalView.HoldsAsync(session, target, Word) ? 1 : 0;
        }

        return (stream, reached);
    }

    private static async Task<bool> ControlAsync(AttackSession session, ulong own)
    {
        await DmaDevice.WriteAsync(session, Word, [own]);
        var (bytes, _) = await DmaDevice.ReadAsync(session, [own]);
        return await PhysicalView.HoldsAsync(session, own, Word) && bytes is [var text] && text == DmaDevice.Digits(Word);
    }
}
