namespace BlackBox.Attacks;

/// <summary>The gate page itself.</summary>
internal sealed class GateWrite() : Attack(
    "gate-write", AttackFamily.Gate, "maps the gate page writable into an ordinary process and writes to it",
    "a frame of the OS is written so", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var control = await session.HostileAsync($"map 0x{await session.PoolAsync():x} write");
        var attack = await session.HostileAsync($"map 0x{Abi.AbiConstants.GateIpa:x} write");
        return new Observation(control.Signals is [0], attack.Signals is [7] ? AttackOutcome.Faulted : AttackOutcome.SilentChange, $"signals {string.Join(' ', attack.Signals)}");
    }
}
