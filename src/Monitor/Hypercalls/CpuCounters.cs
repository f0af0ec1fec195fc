using System;
using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>Events that one CPU counts; only that CPU writes them. In the order of the structure Statistics (src/Abi/abi.json).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CpuCounters
{
    private const int Count = 9;

    public ulong Exits;
    public ulong WorldSwitches;
    public ulong OsCalls;
    public ulong Interrupts;
    public ulong TlbInvalidations;
    public ulong CacheOperations;
    public ulong Refusals;
    public ulong StageTwoFaults;
    public ulong ScrubbedBytes;

    /// <summary>This CPU's.</summary>
    public static ref CpuCounters Current => ref Hardware.CurrentRecord.Counters;

    /// <summary>Adds another CPU's.</summary>
    public void Add(ref CpuCounters other)
    {
        Span<ulong> sums = MemoryMarshal.CreateSpan(ref Exits, Count);
        ReadOnlySpan<ulong> values = MemoryMarshal.CreateSpan(ref other.Exits, Count);
        for (int i = 0; i < Count; i++)
        {
            sums[i] += values[i];
        }
    }
}
