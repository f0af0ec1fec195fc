namespace BlackBox.Attacks;

/// <summary>Accesses that are no plain loads and stores.</summary>
internal sealed class OtherAccesses() : Attack(
    "memory-other-accesses", AttackFamily.Memory, "reaches for the container's frames with DC ZVA, DC IVAC, DC CIVAC, exclusive loads, swaps, pairs, and a word that begins in the frame before",
    "each of them works on a frame of the OS", AttackOutcome.Faulted)
{
    // Numbers of hostile_ioctl.h. Emulated cache maintenance by address does not translate: it may pass, and must change nothing.
    private static readonly (int Kind, bool MayPass)[] Kinds = [(0, false), (1, true), (2, true), (3, false), (4, false), (5, false), (6, false)];

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var pool = await session.PoolAsync() + 0x2000;
        var control = true;
        var passed = new List<string>();
        var refused = 0;

        // The first of a range: the frame before is the OS's.
        var frames = (await session.RefusedAsync()).Select(range => range.Address).Where(frame => frame > session.OsStart).ToList();
        foreach (var (kind, mayPass) in Kinds)
        {
            control &= (await session.HostileAsync($"access {kind} 0x{pool:x}")) is var own && own.Has("status") && own["status"] == 0;
            foreach (var answer in await session.HostileAllAsync([.. frames.Take(40).Select(frame => $"access {kind} 0x{frame:x}")]))
            {
                if (answer["status"] != 0)
                {
                    refused++;
                }
                else if (!mayPass)
                {
                    passed.Add($"kind {kind}: 0x{answer["value"]:x}");
                }
            }
        }

        var outcome = !await guard.IsIntactAsync() ? AttackOutcome.SilentChange : passed.Count > 0 ? AttackOutcome.Leaked : refused > 0 ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(control, outcome, passed.Count > 0 ? string.Join(", ", passed.Take(5)) : $"{refused} accesses refused");
    }
}
