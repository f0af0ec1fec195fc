using System;
using BlackBox.Freestanding;

namespace BlackBox.Monitor;

public static partial class Smmu
{
    /// <summary>Alignment of the control area, in bytes: that of its first table.</summary>
    public const ulong ControlAlignment = StreamTableBytes;

    private const ulong StreamTableBytes = 256 * 64;
    private const ulong StreamRootOffset = StreamTableBytes;
    private const ulong ContextOffset = StreamRootOffset + 0x800;
    private const ulong CommandOffset = StreamRootOffset + FrameNumber.Size;
    private const ulong EventOffset = CommandOffset + FrameNumber.Size;
    private const ulong LevelOneOffset = EventOffset + FrameNumber.Size;
    private const ulong LevelTwoOffset = LevelOneOffset + FrameNumber.Size;

    private const ulong Cr0 = 0x20;
    private const ulong Cr0Acknowledge = 0x24;
    private const ulong Cr1 = 0x28;
    private const ulong Cr2 = 0x2c;
    private const ulong BypassAttributes = 0x44;
    private const ulong InterruptControl = 0x50;
    private const ulong StreamTableBase = 0x80;
    private const ulong StreamTableFormat = 0x88;
    private const ulong CommandBase = 0x90;
    private const ulong EventBase = 0xa0;
    private const uint Enable = 1;
    private const uint EventsEnable = 4;
    private const uint CommandsEnable = 8;
    private const uint Abort = 1 << 20;
    private const uint Update = 1u << 31;
    private const ulong AllocateHint = 1UL << 62;
    private const ulong CommandForget = 0x04;    // CMD_CFGI_STE_RANGE with range 31: CMD_CFGI_ALL
    private const int StreamsPerTableLog = 8;
    private const int MaximumStreamLog = 16;

    /// <summary>Bytes of the control area: streams, context, queues, upper levels of the translation tables.</summary>
    /// <param name="gigabytes">GiB that RAM touches</param>
    public static ulong ControlBytes(ulong gigabytes) => LevelTwoOffset + (gigabytes * FrameNumber.Size);

    /// <summary>Boot: takes the SMMU; from here on a device reaches the OS's RAM and nothing else. The control area is zero.</summary>
    /// <param name="registers">two pages of 64 KiB, mapped</param>
    internal static void Start(ulong registers)
    {
        _registers = registers;
        _produced = 0;
        PhysicalAddress control = FrameTable.Layout.DmaControl;
        _commands = control + CommandOffset;
        _events = control + EventOffset;
        uint streamLog = Check(out uint outputSize, out bool canStall);
        Command(0);
        Hardware.WriteDevice(registers + BypassAttributes, Abort | Update);
        WaitFor(BypassAttributes, Update, 0);
        WriteTables(control);
        WriteStreams(control, outputSize, canStall);

        Hardware.WriteDevice(registers + InterruptControl, 0);
        Hardware.WriteDevice(registers + Cr1, 0xd75);    // tables and queues: inner shareable, write-back
        Hardware.WriteDevice(registers + Cr2, 6);    // no part in the CPUs' invalidations; record unknown streams
        WriteBase(StreamTableBase, (control + StreamRootOffset).Value | AllocateHint);
        Hardware.WriteDevice(registers + StreamTableFormat, (1u << 16) | (StreamsPerTableLog << 6) | streamLog);
        WriteBase(CommandBase, _commands.Value | AllocateHint | CommandLog);
        Hardware.WriteDevice(registers + CommandProduced, 0);
        Hardware.WriteDevice(registers + CommandConsumed, 0);
        WriteBase(EventBase, _events.Value | AllocateHint | EventLog);
        Hardware.WriteDevice(registers + EventProduced, 0);
        Hardware.WriteDevice(registers + EventConsumed, 0);
        Hardware.DataBarrier();
        Command(CommandsEnable);
        Submit(CommandForget);
        Hardware.WriteEntry(_commands, 1, 31);
        InvalidateAll();
        Command(CommandsEnable | EventsEnable);
        Command(CommandsEnable | EventsEnable | Enable);
    }

    // What this driver needs: stage 1, AArch64 tables of 4 KiB, coherent walks, two-level stream table, tables where we want them.
    private static uint Check(out uint outputSize, out bool canStall)
    {
        uint id0 = Hardware.ReadDevice(_registers);
        uint id1 = Hardware.ReadDevice(_registers + 4);
        uint id5 = Hardware.ReadDevice(_registers + 0x14);
        uint stall = (id0 >> 24) & 3;
        Panic.Unless((id0 & 2) != 0 && (id0 & 8) != 0 && (id0 & (1 << 4)) != 0 && ((id0 >> 27) & 3) == 1, "SMMU: no stage 1, not coherent, or no two-level stream table"u8);
        Panic.Unless((id1 >> 29) == 0 && stall != 2 && (id5 & (1 << 4)) != 0, "SMMU: fixed tables, forced stalls or no 4 KiB pages"u8);
        canStall = stall == 0;
        outputSize = Math.Min(id5 & 7, 2);    // 40 bits of the monitor's address space at most
        Panic.Unless(((id1 >> 21) & 31) >= CommandLog && ((id1 >> 16) & 31) >= EventLog, "SMMU: queues too small"u8);
        return Math.Min(id1 & 63, MaximumStreamLog);
    }

    private static void WriteTables(PhysicalAddress control)
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        ulong firstGigabyte = layout.Ram.First.Address.Value >> 30;
        ulong blocks = layout.Ram.Count / FrameNumber.PerBlock;
        for (ulong i = 0; i < blocks; i++)
        {
            ulong address = (layout.Ram.First.Address.Value >> 21) + i;
            PhysicalAddress levelTwo = control + LevelTwoOffset + (((address >> 9) - firstGigabyte) * FrameNumber.Size);
            Hardware.WriteEntry(levelTwo, (int)(address & 511), (layout.DmaPages + (i * FrameNumber.Size)).Value | 3);
            Hardware.WriteEntry(control + LevelOneOffset, (int)(address >> 9), levelTwo.Value | 3);
        }

        DmaTables.Map(layout.OsRam);
    }

    // All streams share one context, and all upper halves of a stream number one table.
    private static void WriteStreams(PhysicalAddress control, uint outputSize, bool canStall)
    {
        PhysicalAddress context = control + ContextOffset;
        const ulong Size = 25;    // T0SZ: 39 bits
        const ulong Walks = (3UL << 12) | (1UL << 10) | (1UL << 8);    // SH0, OR0, IR0
        const ulong Flags = (1UL << 30) | (1UL << 31) | (1UL << 35) | (1UL << 41) | (7UL << 45);    // EPD1, V, AFFD, AA64, R, A, ASET
        Hardware.WriteEntry(context, 0, Size | Walks | Flags | ((ulong)outputSize << 32));
        Hardware.WriteEntry(context, 1, (control + LevelOneOffset).Value);
        Hardware.WriteEntry(context, 3, 0xff);    // MAIR: attribute 0 is write-back

        for (int i = 0; i < 1 << StreamsPerTableLog; i++)
        {
            Hardware.WriteEntry(control, (i * 8) + 1, (1UL << 44) | (canStall ? 1UL << 27 : 0) | (3 << 6) | (1 << 4) | (1 << 2));    // ATS off
            Hardware.WriteEntry(control, i * 8, context.Value | (5 << 1) | 1);    // V, stage 1
            Hardware.WriteEntry(control + StreamRootOffset, i, control.Value | (StreamsPerTableLog + 1));
        }
    }

    private static void Command(uint value)
    {
        Hardware.WriteDevice(_registers + Cr0, value);
        WaitFor(Cr0Acknowledge, Enable | EventsEnable | CommandsEnable, value);
    }

    private static void WriteBase(ulong register, ulong value)
    {
        Hardware.WriteDevice(_registers + register, (uint)value);
        Hardware.WriteDevice(_registers + register + 4, (uint)(value >> 32));
    }

    private static void WaitFor(ulong register, uint mask, uint value)
    {
        int i = 0;
        while ((Hardware.ReadDevice(_registers + register) & mask) != value)
        {
            Panic.Unless(++i < Patience, "SMMU does not answer"u8);
        }
    }
}
