namespace BlackBox.Attacks;

/// <summary>Where a device must not go. Found from outside the machine: an OS would have to try all of RAM.</summary>
internal static class DmaTargets
{
    private const int Count = 24;

    /// <summary>Frames of a container with its secret in them; the middle of each.</summary>
    public static async Task<IReadOnlyList<ulong>> ContainerAsync(AttackSession session, Victim victim)
    {
        var frames = await PhysicalView.SecretFramesAsync(session, victim);
        return [.. Spread(frames, Count).Select(frame => frame + 2048)];
    }

    /// <summary>The monitor's memory from one end to the other, image, stacks, frame table, the SMMU's own tables: places that are in use (not zero).</summary>
    public static Task<IReadOnlyList<ulong>> MonitorAsync(AttackSession session) => InRangeAsync(session, AttackSession.RamStart, session.OsStart);

    /// <summary>The shield's image, which is also the code of every container.</summary>
    /// <remarks>It stands page-aligned in the monitor's image.</remarks>
    public static async Task<IReadOnlyList<ulong>> ShieldAsync(AttackSession session)
    {
        var image = await File.ReadAllBytesAsync(Path.Combine(Hosting.BlackBoxPaths.Repository, "artifacts", "images", "shield.bin"));
        var memory = await PhysicalView.ReadAsync(session, AttackSession.RamStart, (int)(session.OsStart - AttackSession.RamStart));
        var at = memory.AsSpan().IndexOf(image.AsSpan(0, Math.Min(256, image.Length)));
        return at < 0 ? [] : await InRangeAsync(session, AttackSession.RamStart + (ulong)at, AttackSession.RamStart + (ulong)at + (ulong)image.Length);
    }

    private static async Task<IReadOnlyList<ulong>> InRangeAsync(AttackSession session, ulong start, ulong end)
    {
        var memory = await PhysicalView.ReadAsync(session, start, (int)(end - start));
        var used = Enumerable.Range(0, memory.Length / DmaDevice.Chunk)
            .Where(chunk => memory.AsSpan(chunk * DmaDevice.Chunk, DmaDevice.Chunk).ContainsAnyExcept((byte)0))
            .Select(chunk => start + (ulong)(chunk * DmaDevice.Chunk)).ToList();
        return [.. Spread(used, Count)];
    }

    private static IEnumerable<ulong> Spread(IReadOnlyList<ulong> all, int count) => all.Count == 0 ? [] : Enumerable.Range(0, count).Select(i => all[(int)((long)i * (all.Count - 1) / (count - 1))]).Distinct();
}
