using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>What belongs to one CPU: TPIDR_EL2 points to it, and SP_EL2 while the OS runs. Offsets of the first fields are shared with
/// Assembly/Layout.inc.</summary>
[StructLayout(LayoutKind.Explicit, Size = (int)FrameNumber.Size)]
internal struct CpuLocal
{
    /// <summary>Registers of the OS: general ones at each entry to EL2, the rest while a container runs.</summary>
    [FieldOffset(0)] public RegisterFile Os;

    /// <summary>Top of this CPU's stack.</summary>
    [FieldOffset(RegisterFile.Bytes)] public ulong StackTop;

    /// <summary>Number of this CPU.</summary>
    [FieldOffset(RegisterFile.Bytes + 8)] public ulong Index;

    /// <summary>Address of the gate page in the address space of the thread that came through it.</summary>
    [FieldOffset(RegisterFile.Bytes + 16)] public ulong GateAddress;

    /// <summary><see cref="PowerState"/> for CPU_ON, changed by compare-and-exchange.</summary>
    [FieldOffset(RegisterFile.Bytes + 24)] public uint Power;

    /// <summary>Where the OS wants the CPU to start, and x0 there.</summary>
    [FieldOffset(RegisterFile.Bytes + 32)] public ulong EntryPoint;
    [FieldOffset(RegisterFile.Bytes + 40)] public ulong EntryArgument;

    /// <summary>The task on this CPU, and its counters.</summary>
    [FieldOffset(RegisterFile.Bytes + 64)] public CpuRecord Record;

    /// <summary>Does a container run here (rather than the OS)?</summary>
    public readonly bool IsInContainer
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Record.Context.Value != 0;
    }

    /// <summary>This CPU's.</summary>
    public static ref CpuLocal Current => ref Hardware.CurrentLocal;
}
