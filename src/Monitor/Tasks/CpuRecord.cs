using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>Events that one CPU counts; only that CPU writes them.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CpuCounters
{
    public ulong Exits;
    public ulong WorldSwitches;
    public ulong OsCalls;
    public ulong Interrupts;
    public ulong TlbInvalidations;
    public ulong CacheOperations;
    public ulong Refusals;
    public ulong StageTwoFaults;
    public ulong ScrubbedFrames;
}

/// <summary>What the monitor knows of one CPU: the task whose registers it holds, if any.</summary>
[StructLayout(LayoutKind.Explicit, Size = (int)Bytes)]
public struct CpuRecord
{
    public const uint Bytes = 128;

    /// <summary>Slot + 1 of the task that runs here; 0: the OS.</summary>
    [FieldOffset(0)] public uint Current;

    /// <summary>Slot + 1 of the task that lent this CPU to <see cref="Current"/> by YieldTo; 0: none.</summary>
    [FieldOffset(4)] public uint Lender;

    /// <summary>Slot + 1 of the task to run when <see cref="Current"/> is saved; 0: none.</summary>
    [FieldOffset(8)] public uint Next;

    /// <summary>1 while the task runs inside the OS's hypercall TaskExit.</summary>
    [FieldOffset(12)] public uint IsInExit;

    [FieldOffset(16)] public CpuCounters Counters;
}

/// <summary>One record per CPU, used by that CPU alone.</summary>
public static class CpuTable
{
    /// <summary>The current CPU's record.</summary>
    public static ref CpuRecord Current => ref At((uint)Hardware.CurrentCpu);

    /// <summary>The current CPU's counters.</summary>
    public static ref CpuCounters Counters => ref Current.Counters;

    /// <summary>Does a container run on this CPU (rather than the OS)?</summary>
    public static bool IsInContainer => Current.Current != 0;

    public static ref CpuRecord At(uint cpu) =>
        ref MemoryMarshal.AsRef<CpuRecord>(Hardware.Bytes(FrameTable.Layout.Cpus + (cpu * CpuRecord.Bytes), (int)CpuRecord.Bytes));
}
