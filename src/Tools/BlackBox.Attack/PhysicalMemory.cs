using System.Globalization;

namespace BlackBox.Attacks;

/// <summary>How the hostile kernel reaches a frame; numbers of hostile_ioctl.h.</summary>
internal enum MappingMethod
{
    Linear,
    Memremap,
    Ioremap,
    IoremapWriteCombining,
    Vmap,
}

/// <summary>Frames that the OS cannot read.</summary>
internal readonly record struct RefusedRange(ulong Address, ulong Frames)
{
    public ulong End => Address + (Frames * 4096);
}

/// <summary>What attacks on physical memory share.</summary>
internal static class PhysicalMemory
{
    /// <summary>Looks for a victim's pattern in a range.</summary>
    public static Task<HostileAnswer> ScanAsync(this AttackSession session, MappingMethod method, ulong start, ulong end, int salt) =>
        session.HostileAsync(string.Create(CultureInfo.InvariantCulture, $"scan {(int)method} 0x{start:x} 0x{end:x} {salt}"));

    /// <summary>Looks for a victim's pattern in all RAM of the OS.</summary>
    public static Task<HostileAnswer> ScanAllAsync(this AttackSession session, MappingMethod method, int salt) =>
        session.ScanAsync(method, session.OsStart, AttackSession.RamEnd, salt);

    /// <summary>Frames of the OS's RAM that the linear map does not show: those of the containers.</summary>
    public static async Task<IReadOnlyList<RefusedRange>> RefusedAsync(this AttackSession session)
    {
        var answer = await session.HostileAsync($"refused 0 0x{session.OsStart:x} 0x{AttackSession.RamEnd:x} 0");
        return [.. answer.Lines("range").Select(line => new RefusedRange(HostileAnswer.Number(line), HostileAnswer.Number(line.Split(' ')[1])))];
    }

    /// <summary>Some refused frames, spread over all of them.</summary>
    public static async Task<IReadOnlyList<ulong>> RefusedSampleAsync(this AttackSession session, int count)
    {
        var frames = (await session.RefusedAsync()).SelectMany(range => Enumerable.Range(0, (int)range.Frames).Select(i => range.Address + ((ulong)i * 4096))).ToList();
        var stride = Math.Max(1, frames.Count / count);
        return [.. frames.Where((_, i) => i % stride == 0).Take(count)];
    }

    /// <summary>Physical addresses of the unprotected victim's secret.</summary>
    public static async Task<IReadOnlyList<ulong>> PlainPlacesAsync(this AttackSession session)
    {
        var plain = await session.PlainAsync();
        return (await session.ScanAllAsync(MappingMethod.Linear, plain.Salt)).Values("hit");
    }

    /// <summary>First of 1024 contiguous frames of the hostile module's own.</summary>
    public static async Task<ulong> PoolAsync(this AttackSession session) => (await session.HostileAsync("pool"))["address"];
}
