namespace BlackBox.Attacks;

/// <summary>What the monitor says about the SMMU.</summary>
/// <param name="Faults">accesses of devices that were refused, since boot</param>
/// <param name="Stream">of the last one</param>
/// <param name="Address">of the last one</param>
internal sealed record SmmuCounters(ulong Faults, ulong Stream, ulong Address)
{
    public static async Task<SmmuCounters> ReadAsync(AttackSession session)
    {
        var answer = await session.HostileAsync("statistics");
        return new SmmuCounters(answer["dmaFaults"], answer["dmaLastStream"], answer["dmaLastAddress"]);
    }
}
