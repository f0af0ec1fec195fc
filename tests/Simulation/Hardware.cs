using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BlackBox.Simulation;

namespace BlackBox.Monitor;

/// <summary>The monitor's door to the machine, host implementation: everything goes to <see cref="SimulatedMachine.Current"/>.
/// Members as listed in src/Monitor/Hardware/README.md.</summary>
public static class Hardware
{
    public static int CurrentCpu => SimulatedMachine.Cpu;

    public static bool InterruptPending => Machine.TakeInterruptPending();

    private static SimulatedMachine Machine => SimulatedMachine.Current;

    public static Span<byte> Bytes(PhysicalAddress address, int length) => Machine.Access(address.Value, length);

    public static ref T At<T>(PhysicalAddress address) where T : unmanaged =>
        ref MemoryMarshal.AsRef<T>(Machine.Access(address.Value, Unsafe.SizeOf<T>()));

    public static ref CpuRecord CurrentRecord => ref RecordOf((uint)CurrentCpu);

    public static ref CpuRecord RecordOf(uint cpu) => ref At<CpuRecord>(new PhysicalAddress(Machine.RecordAddress) + (cpu * CpuRecord.Bytes));

    public static uint Read(ref uint word) => Machine.Shared(ref word);

    public static ulong Read(ref ulong word) => Machine.Shared(ref word);

    public static void Write(ref uint word, uint value) => Machine.Store(ref word, value);

    public static void Write(ref ulong word, ulong value) => Machine.Shared(ref word) = value;

    public static uint CompareExchange(ref uint word, uint expected, uint value) =>
        Machine.CompareExchange(ref word, expected, value);

    public static ulong CompareExchange(ref ulong word, ulong expected, ulong value) =>
        Machine.CompareExchange(ref word, expected, value);

    public static ulong ReadLong(PhysicalAddress address) => Machine.ReadLong(address.Value);

    public static void WriteLong(PhysicalAddress address, ulong value) => Machine.WriteLong(address.Value, value);

    public static ulong ReadEntry(PhysicalAddress table, int index) => Machine.ReadLong(table.Value + ((ulong)index * sizeof(ulong)));

    public static void WriteEntry(PhysicalAddress table, int index, ulong descriptor) => Machine.WriteEntry(table.Value, index, descriptor);

    public static void DataBarrierStores() => Machine.DataBarrier(false);

    public static void DataBarrier() => Machine.DataBarrier(true);

    public static void InvalidateStageTwo(ulong vttbr, IntermediateAddress first, ulong frames) => Machine.Invalidate(vttbr, first.Value, frames);

    public static void InvalidateVmid(ulong vttbr) => Machine.Invalidate(vttbr, 0, 1UL << (IntermediateAddress.Bits - FrameNumber.Shift));

    public static void ZeroFrame(PhysicalAddress frame) => Machine.ZeroFrame(frame.Value);

    public static void CleanInvalidateFrame(PhysicalAddress frame) => Machine.CleanInvalidateFrame(frame.Value);

    public static void SpinHint() => Machine.SpinHint();

    public static ulong Counter => Machine.Counter++;

    public static ulong CounterFrequency => 1_000_000;

    public static uint ReadDevice(ulong address) => Machine.Smmu.Read(address);

    public static void WriteDevice(ulong address, uint value) => Machine.Smmu.Write(address, value);

    [DoesNotReturn]
    public static void Panic(ReadOnlySpan<byte> reason) => throw new MonitorPanicException(System.Text.Encoding.ASCII.GetString(reason));
}
