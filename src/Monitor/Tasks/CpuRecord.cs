using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>What the monitor knows of one CPU: the task whose registers it holds, if any. Used by that CPU alone; others only read.</summary>
[StructLayout(LayoutKind.Explicit, Size = (int)Bytes)]
public struct CpuRecord
{
    public const uint Bytes = 128;

    /// <summary>Slot + 1 of the task that runs here; 0: the OS.</summary>
    [FieldOffset(0)] public uint Task;

    /// <summary>Slot + 1 of the task that lent this CPU to <see cref="Task"/> by YieldTo; 0: none.</summary>
    [FieldOffset(4)] public uint Lender;

    /// <summary>Slot + 1 of the task to run when <see cref="Task"/> is saved; 0: none.</summary>
    [FieldOffset(8)] public uint Next;

    /// <summary>1 while the task runs inside the OS's hypercall TaskExit.</summary>
    [FieldOffset(12)] public uint IsInExit;

    /// <summary>The context of <see cref="Task"/>, its enclave, and VTTBR_EL2 of that.</summary>
    [FieldOffset(16)] public PhysicalAddress Context;
    [FieldOffset(24)] public ulong Vttbr;
    [FieldOffset(32)] public uint Enclave;

    [FieldOffset(40)] public CpuCounters Counters;

    /// <summary>The registers and events of <see cref="Task"/>.</summary>
    public readonly ref TaskContext Running => ref Hardware.At<TaskContext>(Context);

    /// <summary>This CPU's.</summary>
    public static ref CpuRecord Current => ref Hardware.CurrentRecord;
}
