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
        // Other containers hold secrets of the same kind, and keep their frames.
        var guard = await session.ProtectedAsync();
        var others = await PhysicalView.SecretFramesAsync(session, guard);
        var victim = await session.ProtectedAsync("dma-returned");
        List<ulong> places = [.. (await PhysicalView.SecretFramesAsync(session, victim)).Except(others).Select(frame => frame + 2048)];
        await session.ForgetAsync(victim);
        var back = await ReturnAsync(session, places);
        var before = await SmmuCounters.ReadAsync(session);
        var (bytes, _) = await DmaDevice.ReadAsync(session, places);

        // They are the kernel's already, for whatever it likes: only the device's way there is tried, on a frame that stays ours.
        var enclave = await CallAttack.EnclaveAsync(session, guard);
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
            pattern > 0 || kept ? AttackOutcome.Leaked : back < places.Count ? AttackOutcome.MemoryLost : AttackOutcome.Harmless,
            $"{places.Count} frames of the ended container: {back} came back, {pattern} with its secret; a frame granted and taken back: {(kept ? "as it was" : "zero")}, and the device writes there again: {isWritten}; calls: {string.Join(' ', calls.Select(call => call.Status))}; {after.Faults - before.Faults} faults counted");
    }

    // The module gives them back after the process has ended: for the CPU they are there first, or never.
    private static async Task<int> ReturnAsync(AttackSession session, List<ulong> places)
    {
        for (var round = 0; ; round++)
        {
            var answers = await session.HostileAllAsync([.. places.Select(place => $"read 0 0x{place:x} 8")]);
            var back = answers.Count(answer => answer["status"] == 0);
            if (back == places.Count || round == 100)
            {
                return back;
            }

            await Task.Delay(100);
        }
    }

    private static List<ulong> Words(string digits)
    {
        var bytes = Convert.FromHexString(digits);
        return [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BitConverter.ToUInt64(bytes, i * 8))];
    }
}
