namespace BlackBox.Attacks;

/// <summary>Starting a CPU that runs.</summary>
internal sealed class CpuOnRunning() : PowerAttack(
    "power-cpu-on-running", "calls CPU_ON for CPUs that run, with an entry point of its own, and for CPUs that do not exist", "the kernel's own CPU_ON, after CPU_OFF, succeeds")
{
    protected override async Task<(bool Control, string? Accepted)> AttackAsync(AttackSession session)
    {
        var pool = await session.PoolAsync();
        var bad = new List<string>();
        foreach (var (cpu, function) in (IEnumerable<(ulong, ulong)>)[(0, CpuOn64), (1, CpuOn64), (1, 0x8400_0003), (7, CpuOn64), (0x100, CpuOn64), (ulong.MaxValue, CpuOn64)])
        {
            var answer = await SmcAsync(session, function, cpu, pool, 0x1234);
            if ((int)answer["x0"] >= 0)
            {
                bad.Add($"cpu {cpu:x}: {(int)answer["x0"]}");
            }
        }

        await session.ShellAsync("echo 0 > /sys/devices/system/cpu/cpu1/online");
        await session.ShellAsync("echo 1 > /sys/devices/system/cpu/cpu1/online");
        var control = (await session.ShellAsync("cat /sys/devices/system/cpu/online")).Trim() == "0-1";
        return (control, bad.Count > 0 ? string.Join(", ", bad) : null);
    }
}
