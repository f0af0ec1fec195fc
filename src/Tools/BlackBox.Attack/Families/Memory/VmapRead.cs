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
        var place = (await session.PlainPlacesAsync())[0] & ~4095UL;
        var control = await session.ScanAsync(MappingMethod.Vmap, place, place + 4096, plain.Salt);
        ulong hits = 0, readable = 0, refused = 0;
        foreach (var range in await session.RefusedAsync())
        {
            var answer = await session.ScanAsync(MappingMethod.Vmap, range.Address, range.End, guard.Salt);
            hits += answer["hits"];
            readable += answer["read"];
            refused += answer["refused"];
        }

        var outcome = hits + readable > 0 ? AttackOutcome.Leaked : refused > 0 ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(control["hits"] > 0, outcome, $"{refused} frames refused, {readable} read");
    }
}
