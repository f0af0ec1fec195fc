namespace BlackBox.Attacks;

/// <summary>A new kernel mapping of the container's frames.</summary>
internal sealed class VmapRead() : Attack(
    "memory-read-vmap", AttackFamily.Memory, "maps the container's frames anew with vmap and reads them",
    "a frame of the unprotected program, mapped the same way, shows its secret", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var isControlMet = false;
        // Some of the places are copies that come and go: saved registers, for instance.
        foreach (var page in (await session.PlainPlacesAsync()).Select(place => place & ~4095UL).Distinct().Take(16))
        {
            isControlMet |= (await session.ScanAsync(MappingMethod.Vmap, page, page + 4096, plain.Salt))["hits"] > 0;
        }

        ulong hits = 0, readable = 0, refused = 0;
        foreach (var range in await session.RefusedAsync())
        {
            var answer = await session.ScanAsync(MappingMethod.Vmap, range.Address, range.End, guard.Salt);
            hits += answer["hits"];
            readable += answer["read"];
            refused += answer["refused"];
        }

        var outcome = hits + readable > 0 ? AttackOutcome.Leaked : refused > 0 ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(isControlMet, outcome, $"{refused} frames refused, {readable} read");
    }
}
