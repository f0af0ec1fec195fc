namespace BlackBox.Attacks;

/// <summary>A frame that was a container's and is the OS's again.</summary>
internal sealed class ReturnedToDevice() : Attack(
    "dma-returned", AttackFamily.Dma, "ends a container, and lets a device read all frames that came back from it",
    "the device writes to each of them, as to any frame of the OS, and no fault is counted", AttackOutcome.Harmless)
{
    private const ulong Word = 0x6e72_7574_6572_2121;

    public override string Mutant => "reclaim-scrub";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var victim = await session.ProtectedAsync("dma-returned");
        var places = await DmaTargets.ContainerAsync(session, victim);
        await session.ForgetAsync(victim);
        var before = await SmmuCounters.ReadAsync(session);
        var (bytes, _) = await DmaDevice.ReadAsync(session, places);

        // They are the kernel's already, for whatever it likes: only the device's way there is tried, on a frame that stays ours.
        var enclave = await CallAttack.EnclaveAsync(session, await session.ProtectedAsync());
        var frame = await session.PoolAsync() + 0xc_0000;
        await DmaDevice.WriteAsync(session, Word, [frame]);
        var calls = await session.HostileAllAsync(
        [
            AttackSession.CallWords(Abi.OsFunction.GrantMemory, enclave, frame, 1), AttackSession.CallWords(Abi.OsFunction.ReclaimMemory, enclave, frame, 1),
        ]);
        var (zero, _) = await DmaDevice.ReadAsync(session, [frame]);
        await DmaDevice.WriteAsync(session, Word, [frame]);
        var isWritten = await PhysicalView.HoldsAsync(session, frame, Word);
        var after = await SmmuCounters.ReadAsync(session);

        var pattern = bytes.Count(text => Pattern.IsIn(Words(text), victim.Salt));
        var kept = zero is [var text] && text.Any(digit => digit != '0');
        return new Observation(places.Count > 0 && isWritten && calls.All(call => call.Status == 0) && after.Faults == before.Faults,
            pattern > 0 || kept ? AttackOutcome.Leaked : AttackOutcome.Harmless,
            $"{places.Count} frames of the ended container: {pattern} with its secret; a frame granted and taken back: {(kept ? "as it was" : "zero")}, and the device writes there again: {isWritten}; calls: {string.Join(' ', calls.Select(call => call.Status))}; {after.Faults - before.Faults} faults counted");
    }

    private static List<ulong> Words(string digits)
    {
        var bytes = Convert.FromHexString(digits);
        return [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BitConverter.ToUInt64(bytes, i * 8))];
    }
}
