using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace BlackBox.Monitor;

/// <summary>The machine as portable code sees it (README.md in this folder): physical memory, at EL2 mapped at its own address.</summary>
public static unsafe partial class Hardware
{
    private const ulong Gigabyte = 1UL << 30;
    private const ulong StackBytes = 0x4000;    // STACK_SIZE of Assembly/Layout.inc

    // Until the device tree was read: the GiB of RAM that Start.S mapped.
    private static ulong _ramStart;
    private static ulong _ramSize;
    private static ulong _zeroBlock;
    private static ulong _cacheLine;

    /// <summary>Boot, first thing: the RAM that Start.S mapped.</summary>
    internal static void SetFirstMemory() => SetMemory(new AddressRange { Start = El2.ImageStart() & ~(Gigabyte - 1), Size = Gigabyte });

    /// <summary>Boot: what the machine has, and sizes from CTR_EL0 and DCZID_EL0.</summary>
    internal static void SetMemory(AddressRange ram)
    {
        _ramStart = ram.Start;
        _ramSize = ram.Size;
        ulong zero = El2Registers.ReadZeroSize();
        BlackBox.Freestanding.Panic.Unless((zero & 0x10) == 0, "DC ZVA is prohibited"u8);
        _zeroBlock = 4UL << (int)(zero & 0xf);
        _cacheLine = 4UL << (int)((El2Registers.ReadCacheType() >> 16) & 0xf);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Span<byte> Bytes(PhysicalAddress address, int length) => new(Pointer(address, (ulong)length), length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref T At<T>(PhysicalAddress address) where T : unmanaged => ref Unsafe.AsRef<T>((void*)address.Value);

    public static uint Read(ref uint word) => Volatile.Read(ref word);

    public static ulong Read(ref ulong word) => Volatile.Read(ref word);

    public static void Write(ref uint word, uint value) => Volatile.Write(ref word, value);

    public static void Write(ref ulong word, ulong value) => Volatile.Write(ref word, value);

    public static uint CompareExchange(ref uint word, uint expected, uint value) => Interlocked.CompareExchange(ref word, value, expected);

    public static ulong CompareExchange(ref ulong word, ulong expected, ulong value) => Interlocked.CompareExchange(ref word, value, expected);

    public static ulong ReadLong(PhysicalAddress address) => At<ulong>(address);

    public static void WriteLong(PhysicalAddress address, ulong value) => At<ulong>(address) = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ReadEntry(PhysicalAddress table, int index) => Volatile.Read(ref At<ulong>(table + ((ulong)(uint)index * sizeof(ulong))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteEntry(PhysicalAddress table, int index, ulong descriptor) =>
        Volatile.Write(ref At<ulong>(table + ((ulong)(uint)index * sizeof(ulong))), descriptor);

    public static void ZeroFrame(PhysicalAddress frame)
    {
        CpuCounters.Current.CacheOperations++;
        El2.Zero((ulong)Pointer(frame, FrameNumber.Size), FrameNumber.Size, _zeroBlock);
    }

    public static void CleanInvalidateFrame(PhysicalAddress frame)
    {
        CpuCounters.Current.CacheOperations++;
        El2.CleanInvalidate((ulong)Pointer(frame, FrameNumber.Size), FrameNumber.Size, _cacheLine);
    }

    /// <summary>Zeroes whole pages.</summary>
    internal static void Zero(AddressRange pages)
    {
        if (pages.Size != 0)
        {
            El2.Zero((ulong)Pointer(new PhysicalAddress(pages.Start), pages.Size), pages.Size, _zeroBlock);
        }
    }

    /// <summary>Makes memory good for a reader with its caches off.</summary>
    internal static void CleanInvalidate(AddressRange range)
    {
        ulong start = range.Start & ~(_cacheLine - 1);
        El2.CleanInvalidate((ulong)Pointer(new PhysicalAddress(start), range.End - start), range.End - start, _cacheLine);
    }

    /// <summary>The last act before the machine goes down: the monitor's own memory (registers of containers in CPU records and on stacks, keys, entropy)
    /// becomes zero, but for page tables and this function's frame; then the firmware is called. The other CPUs are parked. Does not return.</summary>
    internal static void WipeAndCall(uint function, ulong argument1, ulong argument2)
    {
        const ulong Alignment = 256;
        ulong block = _zeroBlock;
        ulong line = _cacheLine;
        ulong ownTop = CpuLocal.Current.StackTop;
        ulong here = ((ulong)&ownTop & ~(Alignment - 1)) - Alignment;
        ulong stacks = El2.CpuLocals() + (Constants.MaximumCpus * FrameNumber.Size);
        for (ulong i = 0; i < Constants.MaximumCpus; i++)
        {
            ulong bottom = stacks + (i * StackBytes) + FrameNumber.Size;    // above the guard page
            ulong top = stacks + ((i + 1) * StackBytes);
            Wipe(bottom, top == ownTop ? here : top, block, line);
        }

        Wipe(El2.CpuLocals(), stacks, block, line);
        Wipe(here + (3 * Alignment), ownTop, block, line);
        Wipe(stacks + (Constants.MaximumCpus * StackBytes), El2.ImageEnd(), block, line);
        Firmware.Call(function, argument1, argument2);
        El2.Park();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]    // no frame of its own, which it would wipe
    private static void Wipe(ulong start, ulong end, ulong block, ulong line)
    {
        if (start < end)
        {
            El2.Zero(start, end - start, block);
            El2.CleanInvalidate(start, end - start, line);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void* Pointer(PhysicalAddress address, ulong length)
    {
        ulong offset = address.Value - _ramStart;
        if (offset > _ramSize - length)    // RAM is larger than any structure
        {
            FailOutside();
        }

        return (void*)address.Value;
    }

    private static void FailOutside() => BlackBox.Freestanding.Panic.Fail("physical address outside RAM"u8);
}
