namespace BlackBox.Attacks;

/// <summary>The interrupt controller's tables, in a container's memory.</summary>
/// <remarks>With LPIs on, a redistributor reads and writes the table at GICR_PENDBASER by itself, past the SMMU. The product's machine has none; this one has an ITS, and so LPIs.</remarks>
internal sealed class PendingTables() : Attack(
    "gic-pending-tables", AttackFamily.Dma, "points GICR_PENDBASER and GICR_PROPBASER of both redistributors at a container's frame and turns LPIs on",
    "the machine's redistributors have LPIs (GICR_TYPER), and a store to GICR_WAKER, which the OS may make, arrives", AttackOutcome.Refused)
{
    private const ulong Redistributors = 0x080a_0000;
    private const ulong Stride = 0x2_0000;
    private const ulong ControlRegister = 0x00;
    private const ulong Type = 0x08;
    private const ulong Waker = 0x14;
    private const ulong Properties = 0x70;
    private const ulong Pending = 0x78;
    private const ulong EnableLpis = 1;
    private const ulong AddressMask = 0xf_ffff_ffff_0000;
    private const ulong IdentifierBits = 15;

    public override string Mutant => "gic-store";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        await using var machine = await session.StartOther(session.Build, options => options with { QemuArguments = [.. options.QemuArguments, "-machine", "its=on"] });
        var guard = await machine.ProtectedAsync();
        var frame = (await machine.RefusedSampleAsync(8))[0] & ~0xffffUL;
        var changed = new List<string>();
        var control = true;
        for (var i = 0UL; i < 2; i++)
        {
            var redistributor = Redistributors + (i * Stride);
            control &= ((await LoadAsync(machine, redistributor + Type, 8)) & 1) != 0;
            var waker = await LoadAsync(machine, redistributor + Waker, 4);
            await StoreAsync(machine, redistributor + Waker, 4, waker | 2);
            control &= (await LoadAsync(machine, redistributor + Waker, 4) & 2) != 0;
            await StoreAsync(machine, redistributor + Waker, 4, waker);
            control &= (await LoadAsync(machine, redistributor + Waker, 4) & 2) == 0;

            var (properties, pending) = (await LoadAsync(machine, redistributor + Properties, 8), await LoadAsync(machine, redistributor + Pending, 8));
            await StoreAsync(machine, redistributor + Properties, 8, frame | (IdentifierBits - 1));
            await StoreAsync(machine, redistributor + Pending, 8, frame);

            // By halves as well, and with both widths.
            await StoreAsync(machine, redistributor + Pending, 4, frame);
            await StoreAsync(machine, redistributor + Pending + 4, 4, frame >> 32);
            await StoreAsync(machine, redistributor + ControlRegister, 4, EnableLpis);
            await StoreAsync(machine, redistributor + ControlRegister, 8, EnableLpis);
            if ((await LoadAsync(machine, redistributor + ControlRegister, 4) & EnableLpis) != 0)
            {
                changed.Add($"LPIs of {i} are on");
            }

            if ((await LoadAsync(machine, redistributor + Properties, 8) & AddressMask) != (properties & AddressMask)
                || (await LoadAsync(machine, redistributor + Pending, 8) & AddressMask) != (pending & AddressMask))
            {
                changed.Add($"bases of {i} are changed");
            }
        }

        var intact = await guard.IsIntactAsync();
        return new Observation(control, changed.Count > 0 || !intact ? AttackOutcome.SilentChange : AttackOutcome.Refused,
            changed.Count > 0 ? string.Join(", ", changed) : $"LPIs stay off, bases as they were; target 0x{frame:x}; victim intact: {intact}");
    }

    private static async Task<ulong> LoadAsync(AttackSession machine, ulong register, int bytes)
    {
        var answer = await machine.HostileAsync($"device 0x{register:x} {bytes}");
        return answer["status"] == 0 ? answer["value"] & (bytes == 4 ? uint.MaxValue : ulong.MaxValue) : throw new InvalidDataException($"register 0x{register:x}: {answer.Text.ReplaceLineEndings(" ")}");
    }

    // A store may be refused by a fault as well.
    private static Task<HostileAnswer> StoreAsync(AttackSession machine, ulong register, int bytes, ulong value) => machine.HostileAsync($"device 0x{register:x} {bytes} 1 0x{value:x}");
}
