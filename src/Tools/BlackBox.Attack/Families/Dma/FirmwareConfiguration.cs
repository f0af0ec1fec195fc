namespace BlackBox.Attacks;

/// <summary>fw_cfg writes wherever it is told.</summary>
internal sealed class FirmwareConfiguration() : Attack(
    "dma-fw-cfg", AttackFamily.Dma, "lets the fw_cfg device write into the monitor's memory by DMA",
    "on the machine without the monitor it writes where it is told", AttackOutcome.Faulted)
{
    /// <summary>DMA address register, high and low half, big-endian.</summary>
    private const ulong Register = 0x0902_0010;

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        ulong written;
        string bytes;
        await using (var native = await session.StartNative())
        {
            written = await DmaAsync(native, (await native.PoolAsync()) + 0x1000);
            bytes = (await native.HostileAsync($"read 0 0x{(await native.PoolAsync()) + 0x1000:x} 4")).Lines("bytes")[0];
        }

        var guard = await session.ProtectedAsync();
        var status = await DmaAsync(session, AttackSession.RamStart + 0x20_0000);
        return new Observation(written == 0 && bytes == "51454d55", // "QEMU"
            status == 0 ? AttackOutcome.SilentChange : await guard.IsIntactAsync() ? AttackOutcome.Faulted : AttackOutcome.EnclaveStopped,
            $"status of the register write {(long)status}; without the monitor: {bytes}");
    }

    // FWCfgDmaAccess: control (select item 0, the signature; read), length 4, address; all big-endian.
    private static async Task<ulong> DmaAsync(AttackSession session, ulong target)
    {
        var pool = await session.PoolAsync();
        var control = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(0x0000_000a_0000_0004UL);
        await session.HostileAsync($"write 0 0x{pool:x} 0x{control:x}");
        await session.HostileAsync($"write 0 0x{pool + 8:x} 0x{System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(target):x}");
        return (await session.HostileAsync($"write {(int)MappingMethod.Ioremap} 0x{Register:x} 0x{System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(pool):x}"))["status"];
    }
}
