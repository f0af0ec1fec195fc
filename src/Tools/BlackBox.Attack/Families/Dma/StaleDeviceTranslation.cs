namespace BlackBox.Attacks;

/// <summary>A translation that the SMMU has kept for a device.</summary>
internal sealed class StaleDeviceTranslation() : Attack(
    "dma-stale", AttackFamily.Dma, "grants a frame that a device has just read and written, and lets the device go on: read, write",
    "before the grant the device reads and writes it", AttackOutcome.Refused)
{
    private const ulong Before = 0x6572_6f66_6562_2121;
    private const ulong After = 0x7265_7466_6121_2121;

    public override string Mutant => "dma-flush";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync("dma-stale");
        var enclave = await CallAttack.EnclaveAsync(session, guard);
        var frame = await session.PoolAsync() + 0xa_0000;

        // The one before it splits the block: what counts is the invalidation that this frame's own grant makes.
        var split = (await session.CallAsync(Abi.OsFunction.GrantMemory, enclave, frame - 0x1000, 1)).Status;
        var stream = await DmaDevice.WriteAsync(session, Before, [frame]);
        var (first, _) = await DmaDevice.ReadAsync(session, [frame]);
        var counters = await SmmuCounters.ReadAsync(session);
        var granted = (await session.CallAsync(Abi.OsFunction.GrantMemory, enclave, frame, 1)).Status;
        var (second, _) = await DmaDevice.ReadAsync(session, [frame]);
        await DmaDevice.WriteAsync(session, After, [frame]);
        var isWritten = await PhysicalView.HoldsAsync(session, frame, After);
        var after = await SmmuCounters.ReadAsync(session);
        await session.HostileAllAsync([.. new[] { frame, frame - 0x1000 }.Select(range => AttackSession.CallWords(Abi.OsFunction.ReclaimMemory, enclave, range, 1))]);
        var ended = await guard.AskAsync('v');
        await session.ForgetAsync(guard);
        var outcome = isWritten ? AttackOutcome.SilentChange : second is [var text] && !DmaDevice.IsNothing(text) ? AttackOutcome.Leaked
            : ended != "intact" ? AttackOutcome.SilentChange
            : after.Faults >= counters.Faults + 2 && after.Stream == stream && after.Address >> 12 == frame >> 12 ? AttackOutcome.Refused : AttackOutcome.Unexpected;
        return new Observation(split == 0 && granted == 0 && first is [var read] && read == DmaDevice.Digits(Before), outcome,
            $"after the grant: read {(second is [var seen] && !DmaDevice.IsNothing(seen) ? "succeeded" : "refused")}, write {(isWritten ? "succeeded" : "refused")}; "
            + $"{after.Faults - counters.Faults} faults counted, the last of stream 0x{after.Stream:x} (the device's: 0x{stream:x})");
    }
}
