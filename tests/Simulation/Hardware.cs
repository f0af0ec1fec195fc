using System;
using System.Diagnostics.CodeAnalysis;
using BlackBox.Simulation;

namespace BlackBox.Monitor;

/// <summary>The monitor's door to the machine, host implementation: everything goes to <see cref="SimulatedMachine.Current"/>.
/// Members as listed in src/Monitor/Hardware/README.md.</summary>
public static class Hardware
{
    public static int CurrentCpu => SimulatedMachine.Cpu;

    public static bool InterruptPending => Machine.TakeInterruptPending();

    private static SimulatedMachine Machine => SimulatedMachine.Current;

    public static Span<byte> Bytes(PhysicalAddress address, int length) => Machine.Bytes(address.Value, length);

    public static uint ReadWord(PhysicalAddress address) => Machine.ReadWord(address.Value);

    public static void WriteWord(PhysicalAddress address, uint value) => Machine.WriteWord(address.Value, value);

    public static uint CompareExchange(PhysicalAddress address, uint expected, uint value) => Machine.CompareExchange(address.Value, expected, value);

    public static ulong ReadLong(PhysicalAddress address) => Machine.ReadLong(address.Value);

    public static void WriteLong(PhysicalAddress address, ulong value) => Machine.WriteLong(address.Value, value);

    public static ulong CompareExchange(PhysicalAddress address, ulong expected, ulong value) => Machine.CompareExchange(address.Value, expected, value);

    public static ulong ReadEntry(PhysicalAddress table, int index) => Machine.ReadLong(table.Value + ((ulong)index * sizeof(ulong)));

    public static void WriteEntry(PhysicalAddress table, int index, ulong descriptor) => Machine.WriteEntry(table.Value, index, descriptor);

    public static void DataBarrierStores() => Machine.DataBarrier(false);

    public static void DataBarrier() => Machine.DataBarrier(true);

    public static void InvalidateStageTwo(ulong vttbr, IntermediateAddress first, ulong frames) => Machine.Invalidate(vttbr, first.Value, frames);

    public static void InvalidateVmid(ulong vttbr) => Machine.Invalidate(vttbr, 0, 1UL << (IntermediateAddress.Bits - FrameNumber.Shift));

    public static void ZeroFrame(PhysicalAddress frame) => Machine.ZeroFrame(frame.Value);

    public static void CleanInvalidateFrame(PhysicalAddress frame) => Machine.CleanInvalidateFrame(frame.Value);

    public static void SpinHint() => Machine.SpinHint();

    [DoesNotReturn]
    public static void Panic(PanicReason reason) => throw new MonitorPanicException(reason);
}
