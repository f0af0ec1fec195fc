namespace BlackBox.Attacks;

/// <summary>Addresses that are not the container's, from its EL1.</summary>
/// <param name="letter">r, w, x or t of the hostile shield</param>
internal abstract class WildMemory(string name, string tries, char letter) : EvilAttack(
    name, tries, "it reaches its own memory in the same way", AttackOutcome.EnclaveStopped)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var control = await ReachesOwnAsync(session);
        ulong[] places = [AttackSession.RamStart, AttackSession.RamStart + 0x20_0000, session.OsStart - 4096, await session.PoolAsync(), 0x0900_0000, 0x0905_0000, 0x0800_0000, Abi.AbiConstants.GateIpa, .. await session.RefusedSampleAsync(3)];
        var bad = new List<string>();
        foreach (var place in places)
        {
            var (said, ended) = await ActAsync(session, letter, place);
            if (Said(said, "read") is not null || Said(said, "wrote") is not null || !ended.StartsWith("ended", StringComparison.Ordinal) && !ended.Contains("error", StringComparison.Ordinal))
            {
                bad.Add($"0x{place:x}: {ended}");
            }
        }

        var isIntact = await guard.IsIntactAsync();
        return new Observation(control, !isIntact ? AttackOutcome.SilentChange : bad.Count > 0 ? AttackOutcome.Leaked : AttackOutcome.EnclaveStopped,
            bad.Count > 0 ? string.Join(", ", bad) : $"{places.Length} addresses: each time the hostile container was stopped; neighbour intact");
    }
}
