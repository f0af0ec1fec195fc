namespace BlackBox.Attacks;

/// <summary>Starting a CPU in memory that is not the OS's.</summary>
internal sealed class CpuOnForeignEntry() : PowerAttack(
    "power-cpu-on-foreign-entry", "calls CPU_ON with entry points in the monitor, in containers, in devices and outside RAM", "afterwards the CPU starts at the kernel's entry point")
{
    public override string Mutant => "cpu-on-entry";

    protected override async Task<(bool Control, string? Accepted)> AttackAsync(AttackSession session)
    {
        ulong[] entries = [AttackSession.RamStart, AttackSession.RamStart + 0x20_0000, session.OsStart - 4096, 0x900_0000, Abi.AbiConstants.GateIpa, AttackSession.RamEnd, ulong.MaxValue & ~3UL, 1UL << 40, session.OsStart + 1, .. await session.RefusedSampleAsync(6)];
        await session.ShellAsync("echo 0 > /sys/devices/system/cpu/cpu1/online");
        var bad = new List<string>();
        foreach (var entry in entries)
        {
            var answer = await SmcAsync(session, CpuOn64, 1, entry, 0);
            if ((int)answer["x0"] >= 0)
            {
                bad.Add($"entry 0x{entry:x}: {(int)answer["x0"]}");
            }
        }

        await session.TryShellAsync("echo 1 > /sys/devices/system/cpu/cpu1/online");
        var control = (await session.ShellAsync("cat /sys/devices/system/cpu/online")).Trim() == "0-1";
        return (control, bad.Count > 0 ? string.Join(", ", bad) : null);
    }
}
