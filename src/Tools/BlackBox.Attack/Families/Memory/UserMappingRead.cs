namespace BlackBox.Attacks;

/// <summary>Frames of the container in a user program's page tables.</summary>
internal sealed class UserMappingRead() : Attack(
    "memory-read-user-mapping", AttackFamily.Memory, "maps the container's frames into an ordinary process, as a /dev/mem without limits would, and reads them there",
    "a frame of the unprotected program can be read so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        await session.ProtectedAsync();
        var isControlMet = false;
        foreach (var place in (await session.PlainPlacesAsync()).Take(16))
        {
            var control = await session.HostileAsync($"map 0x{place:x} read");
            isControlMet |= control.Has("value") && control["value"] != 0;
        }

        var signals = new List<ulong>();
        foreach (var frame in await session.RefusedSampleAsync(8))
        {
            signals.AddRange((await session.HostileAsync($"map 0x{frame:x} read")).Signals);
        }

        var outcome = signals.Count == 0 ? AttackOutcome.Unexpected : signals.TrueForAll(signal => signal == 7) ? AttackOutcome.Faulted : AttackOutcome.Leaked;
        return new Observation(isControlMet, outcome, $"signals {string.Join(' ', signals)}");
    }
}
