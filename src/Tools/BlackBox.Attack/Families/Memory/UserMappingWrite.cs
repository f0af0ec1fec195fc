namespace BlackBox.Attacks;

/// <summary>Writing through a user program's page tables.</summary>
internal sealed class UserMappingWrite() : Attack(
    "memory-write-user-mapping", AttackFamily.Memory, "maps the container's frames into an ordinary process and writes to them there",
    "the unprotected program's secret changes so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        foreach (var place in (await session.PlainPlacesAsync()).Take(80))
        {
            await session.HostileAsync($"map 0x{place:x} write");
        }

        var control = await plain.AskAsync('v');
        await session.ForgetAsync(plain);
        var signals = new List<ulong>();
        foreach (var frame in await session.RefusedSampleAsync(8))
        {
            signals.AddRange((await session.HostileAsync($"map 0x{frame:x} write")).Signals);
        }

        var isFaulted = signals.Count > 0 && signals.TrueForAll(signal => signal == 7);
        var outcome = !await guard.IsIntactAsync() ? AttackOutcome.SilentChange : isFaulted ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(control == "CHANGED", outcome, $"signals {string.Join(' ', signals)}; unprotected: {control}");
    }
}
