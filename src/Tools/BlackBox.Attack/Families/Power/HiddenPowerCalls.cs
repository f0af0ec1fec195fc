namespace BlackBox.Attacks;

/// <summary>PSCI functions with an entry point or memory behind them that the monitor does not mediate.</summary>
internal sealed class HiddenPowerCalls() : PowerAttack(
    "power-hidden-calls", "calls SYSTEM_SUSPEND, CPU_SUSPEND to a power-down state, CPU_FREEZE, MEM_PROTECT, SET_SUSPEND_MODE and others, by SMC and by HVC", "PSCI_VERSION is answered")
{
    private static readonly ulong[] Functions = [0xc400_000e, 0x8400_000e, 0xc400_000c, 0x8400_000c, 0x8400_000b, 0x8400_000f, 0x8400_0013, 0xc400_0014, 0x8400_0014, 0xc400_0005, 0x8400_0005, 0x8400_0007, 0xc400_000d, 0xc400_0010, 0xc400_0011];

    protected override async Task<(bool Control, string? Accepted)> AttackAsync(AttackSession session)
    {
        var bad = new List<string>();
        foreach (var function in Functions)
        {
            var answer = await SmcAsync(session, function, AttackSession.RamStart + 0x20_0000, AttackSession.RamStart + 0x20_0000, 0);
            if ((int)answer["x0"] >= 0)
            {
                bad.Add($"0x{function:x}: {(int)answer["x0"]}");
            }
        }

        var suspend = await SmcAsync(session, 0xc400_0001, 0x1_0000, AttackSession.RamStart + 0x20_0000, 0);
        if ((int)suspend["x0"] >= 0)
        {
            bad.Add($"CPU_SUSPEND: {(int)suspend["x0"]}");
        }

        foreach (var function in (ulong[])[CpuOn64, 0x8400_0008, 0x8400_0009, 0x8400_0002])
        {
            var answer = await session.HostileAsync($"hvc 0x{function:x} 1 0x{AttackSession.RamStart + 0x20_0000:x} 0");
            if ((int)answer["x0"] >= 0)
            {
                bad.Add($"HVC 0x{function:x}: {(int)answer["x0"]}");
            }
        }

        return ((int)(await SmcAsync(session, 0x8400_0000))["x0"] > 0, bad.Count > 0 ? string.Join(", ", bad) : null);
    }
}
