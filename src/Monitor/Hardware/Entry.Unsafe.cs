using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using BlackBox.Freestanding;

namespace BlackBox.Monitor;

/// <summary>What assembly calls (Start.S, Vectors.S, Runtime.S).</summary>
internal static unsafe class Entry
{
    [RuntimeExport("MonitorStart")]
    private static void* Start(ulong deviceTree, ulong facts)
    {
        Startup.Run(new PhysicalAddress(deviceTree), new PhysicalAddress(facts));
        return Frame(ref CpuLocal.Current);
    }

    [RuntimeExport("MonitorSecondary")]
    private static void* Secondary()
    {
        Cpus.StartSecondary();
        return Frame(ref CpuLocal.Current);
    }

    /// <param name="kind">0 synchronous, 1 interrupt, 2 SError</param>
    [RuntimeExport("MonitorLower")]
    private static void* Lower(CpuLocal* cpu, uint kind, ulong syndrome)
    {
        Halt.Check(ref *cpu);
        Exits.Handle(ref *cpu, (ExitKind)kind, syndrome);
        Halt.Check(ref *cpu);
        return Frame(ref *cpu);
    }

    [RuntimeExport("MonitorPanicException")]
    private static void PanicException(RegisterFile* frame, uint vector, ulong sp)
    {
        MonitorPanic.Begin("exception in the monitor"u8, frame->Pc, sp);
        MonitorPanic.Line("vector"u8, vector);
        MonitorPanic.WriteRegisters(ref *frame);
        WriteTrace((nint)frame->General[29]);
        MonitorPanic.StopOthers();
    }

    [RuntimeExport("MonitorPanicText")]
    private static void PanicText(byte* text, nuint length, nuint pc, nint fp, ulong sp)
    {
        MonitorPanic.Begin(new ReadOnlySpan<byte>(text, (int)length), pc, sp);
        WriteTrace(fp);
        MonitorPanic.StopOthers();
    }

    // Frame records: caller's frame pointer, return address. Only inside the image, only upwards.
    private static void WriteTrace(nint fp)
    {
        ulong end = El2.ImageEnd();
        for (int i = 0; i < 24 && (ulong)fp >= El2.ImageStart() && (ulong)fp < end - 16 && (fp & 7) == 0; i++)
        {
            MonitorPanic.Line("called from"u8, ((ulong*)fp)[1]);
            nint next = ((nint*)fp)[0];
            if (next <= fp)
            {
                break;
            }

            fp = next;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void* Frame(ref CpuLocal cpu) =>
        cpu.IsInContainer ? (void*)cpu.Record.Context.Value : Unsafe.AsPointer(ref cpu);
}
