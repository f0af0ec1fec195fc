using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>CPU, barriers, TLB.</summary>
public static unsafe partial class Hardware
{
    // Above this many pages one invalidation of the whole VMID is cheaper than one by page.
    private const ulong MaximumByPage = 64;

    // For Assembly/Switch.S, beside CpuFeatures.Flags: CNTV_CTL, CNTV_CVAL too.
    private const uint TimerFlag = 2;

    public static int CurrentCpu => (int)CpuLocal.Current.Index;

    public static bool InterruptPending => El2Registers.ReadInterruptStatus() != 0;

    public static void DataBarrierStores() => El2.DataBarrierStores();

    public static void DataBarrier() => El2.DataBarrier();

    public static void SpinHint() => El2.SpinHint();

    public static void InvalidateStageTwo(ulong vttbr, IntermediateAddress first, ulong frames)
    {
        CpuCounters.Current.TlbInvalidations++;
        if (frames > MaximumByPage)
        {
            El2.InvalidateVmid(vttbr);
        }
        else
        {
            El2.InvalidateStageTwo(vttbr, first.Value >> FrameNumber.Shift, frames);
        }
    }

    public static void InvalidateVmid(ulong vttbr)
    {
        CpuCounters.Current.TlbInvalidations++;
        El2.InvalidateVmid(vttbr);
    }

    /// <summary>Ticks since boot, and how many there are in a second (CNTPCT_EL0, CNTFRQ_EL0).</summary>
    public static ulong Counter => El2Registers.ReadCounter();

    public static ulong CounterFrequency => El2Registers.ReadFrequency();

    /// <summary>A 32-bit register of a device that boot code has mapped.</summary>
    public static uint ReadDevice(ulong address) => El2.Load32(address);

    public static void WriteDevice(ulong address, uint value) => El2.Store32(address, value);

    /// <summary>An invariant is violated: a bug of the monitor itself. Nothing that the OS or a container does may cause one.</summary>
    [DoesNotReturn]
    public static void Panic(ReadOnlySpan<byte> reason) => BlackBox.Freestanding.Panic.Fail(reason);

    /// <summary>The code between the worlds as CpuLocal of this CPU (TPIDR_EL2).</summary>
    internal static ref CpuLocal CurrentLocal => ref *(CpuLocal*)El2Registers.ReadCpu();

    /// <summary>This CPU's record.</summary>
    public static ref CpuRecord CurrentRecord => ref CurrentLocal.Record;

    /// <summary>Another CPU's record, to read its counters.</summary>
    public static ref CpuRecord RecordOf(uint cpu) => ref LocalOf((int)cpu).Record;

    internal static ref CpuLocal LocalOf(int cpu) => ref ((CpuLocal*)El2.CpuLocals())[cpu];

    /// <summary>SMC with the registers given, results in their place (SMCCC 1.1: x4-x17 may be lost).</summary>
    internal static void Smc(ref SmcRegisters registers)
    {
        fixed (SmcRegisters* pointer = &registers)
        {
            El2.Smc(pointer);
        }
    }

    internal static void SaveRegisters(ref RegisterFile file, bool withTimer) =>
        El2.SaveRegisters((RegisterFile*)Unsafe.AsPointer(ref file), CpuFeatures.Flags | (withTimer ? TimerFlag : 0));

    internal static void LoadRegisters(ref RegisterFile file, bool withTimer) =>
        El2.LoadRegisters((RegisterFile*)Unsafe.AsPointer(ref file), CpuFeatures.Flags | (withTimer ? TimerFlag : 0));

    internal static void SaveVectors(ref RegisterFile file) => El2.SaveVectors((RegisterFile*)Unsafe.AsPointer(ref file));

    internal static void LoadVectors(ref RegisterFile file) => El2.LoadVectors((RegisterFile*)Unsafe.AsPointer(ref file));
}
