using System;

namespace BlackBox.Monitor;

/// <summary>The end of the machine when the monitor finds itself wrong: tell why, let nothing run any more.</summary>
internal static class MonitorPanic
{
    /// <summary>First lines of the report.</summary>
    public static void Begin(ReadOnlySpan<byte> text, ulong pc, ulong sp)
    {
        Halt.ForPanic();
        MonitorConsole.EndLine();
        MonitorConsole.Write("BLACKBOX PANIC: "u8);
        MonitorConsole.Write(text);
        MonitorConsole.EndLine();
        Line("cpu"u8, CpuLocal.Current.Index);
        Line("pc"u8, pc);
        Line("sp"u8, sp);
        Line("esr"u8, El2Registers.ReadEsrEl2());
        Line("far"u8, El2Registers.ReadFarEl2());
        Line("hpfar"u8, El2Registers.ReadHpfarEl2());
        Line("hcr"u8, El2Registers.ReadHcr());
        Line("vttbr"u8, El2Registers.ReadVttbr());
        Line("running"u8, CpuLocal.Current.Record.Context.Value);
    }

    /// <summary>The registers of the exception.</summary>
    public static void WriteRegisters(ref RegisterFile registers)
    {
        for (int i = 0; i < 31; i++)
        {
            MonitorConsole.Write("  x"u8);
            MonitorConsole.WriteDecimal((ulong)i);
            Line(default, registers.General[i]);
        }

        Line("pstate"u8, registers.Pstate);
    }

    public static void Line(ReadOnlySpan<byte> name, ulong value)
    {
        MonitorConsole.Write("  "u8);
        MonitorConsole.Write(name);
        MonitorConsole.Write(" "u8);
        MonitorConsole.WriteHex(value);
        MonitorConsole.EndLine();
    }

    /// <summary>Takes all memory from EL1 and EL0 of every CPU: whatever they do next brings them here.</summary>
    public static void StopOthers()
    {
        ulong root = OsStageTwo.Vttbr;
        if (root != 0)
        {
            AddressRange tables = new() { Start = root, Size = 2 * FrameNumber.Size };
            Hardware.Zero(tables);
            El2.InvalidateAll();
        }

        MonitorConsole.Write("BLACKBOX PANIC: stopped"u8);
        MonitorConsole.EndLine();
        El2.Park();
    }
}
