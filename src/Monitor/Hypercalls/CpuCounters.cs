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

    /// <summary>This CPU's.</summary>
    public static ref CpuCounters Current => ref Hardware.CurrentRecord.Counters;
}
