namespace BlackBox.Attacks;

/// <summary>Faults that the container claims for the OS's thread.</summary>
internal sealed class WildFaults() : EvilAttack(
    "container-wild-faults", "lets the OS take a data abort at addresses of the kernel, of nothing, and not canonical", "the OS ends the thread by a signal", AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var ends = new List<string>();
        foreach (var place in (ulong[])[0, 0x1000, 0xffff_8000_0000_0000, 0xffff_ffff_ffff_ffff, 0x00ff_0000_0000_0000, 0xffff_ffff_c000_0000])
        {
            ends.Add((await ActAsync(session, 'p', place)).Ended);
        }

        var oops = (await session.TryShellAsync("dmesg | grep -c 'Oops\\|BUG:\\|Unable to handle'")).Trim();
        var isIntact = await guard.IsIntactAsync();
        var isEnded = ends.TrueForAll(end => end != "silent" && !end.StartsWith("ready", StringComparison.Ordinal));
        return new Observation(ends.Exists(end => end.Contains("Segmentation", StringComparison.Ordinal) || end.Contains("139", StringComparison.Ordinal)),
            !isIntact ? AttackOutcome.SilentChange : oops != "0" ? AttackOutcome.MachineLost : isEnded ? AttackOutcome.EnclaveStopped : AttackOutcome.Unexpected,
            $"{string.Join(", ", ends)}; complaints of the kernel: {oops}");
    }
}
