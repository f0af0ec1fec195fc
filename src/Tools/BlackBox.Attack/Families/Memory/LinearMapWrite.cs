namespace BlackBox.Attacks;

/// <summary>Writing into every frame of the containers.</summary>
internal sealed class LinearMapWrite() : Attack(
    "memory-write-linear-map", AttackFamily.Memory, "writes into every frame that it cannot read",
    "the same write into the unprotected program's memory changes its secret", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        foreach (var place in await session.PlainPlacesAsync())
        {
            await session.HostileAsync($"write 0 0x{place & ~7UL:x} 0x656c6974736f68");
        }

        var control = await plain.AskAsync('v');
        await session.ForgetAsync(plain);
        var attack = await session.HostileAsync($"refused 0 0x{session.OsStart:x} 0x{AttackSession.RamEnd:x} 1");
        var outcome = attack["written"] > 0 || !await guard.IsIntactAsync() ? AttackOutcome.SilentChange : attack["refused"] > 0 ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(control == "CHANGED", outcome, $"{attack["refused"]} frames refused, {attack["written"]} written; unprotected: {control}");
    }
}
