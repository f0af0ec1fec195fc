namespace BlackBox.Attacks;

/// <summary>The debugger's way: the container's addresses in its Linux process.</summary>
internal sealed class ProcMem() : Attack(
    "memory-proc-mem", AttackFamily.Memory, "reads the container's heap through /proc/PID/mem",
    "the unprotected program's heap is read so", AttackOutcome.Refused)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var control = await ReadAsync(session, await session.PlainAsync());
        var attack = await ReadAsync(session, await session.ProtectedAsync());
        return new Observation(control == 4096, attack > 0 ? AttackOutcome.Leaked : AttackOutcome.Refused, $"protected: {attack} bytes; unprotected: {control} bytes");
    }

    private static async Task<int> ReadAsync(AttackSession session, Victim victim) => int.Parse(
        (await session.TryShellAsync($"dd if=/proc/{victim.Process}/mem bs=4096 skip={victim.HeapAddress / 4096} count=1 2>/dev/null | wc -c")).Trim(),
        System.Globalization.CultureInfo.InvariantCulture);
}
