namespace BlackBox.Attacks;

/// <summary>Devices that would do DMA for the OS, or hold the boot code.</summary>
internal sealed class HiddenDevices() : Attack(
    "monitor-hidden-devices", AttackFamily.Monitor, "maps fw_cfg, the SMMU, virtio-mmio and flash and touches their registers",
    "the console's registers are read so", AttackOutcome.Faulted)
{
    private static readonly ulong[] Devices = [0x0, 0x400_0000, 0x0902_0000, 0x0905_0000, 0x0906_0000, 0x0a00_0000, 0x0a00_3e00];

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var control = await session.HostileAsync($"read {(int)MappingMethod.Ioremap} 0x9000018 8");
        var opened = new List<string>();
        foreach (var device in Devices)
        {
            var read = await session.HostileAsync($"read {(int)MappingMethod.Ioremap} 0x{device:x} 8");
            var write = await session.HostileAsync($"write {(int)MappingMethod.Ioremap} 0x{device:x} 0");
            if (read["status"] == 0 || write["status"] == 0)
            {
                opened.Add($"0x{device:x}");
            }
        }

        return new Observation(control["status"] == 0, opened.Count > 0 ? AttackOutcome.Leaked : AttackOutcome.Faulted,
            opened.Count > 0 ? $"reached: {string.Join(' ', opened)}" : $"{Devices.Length} devices refused");
    }
}
