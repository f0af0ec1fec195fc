using System.Threading;

namespace BlackBox.Monitor;

/// <summary>The machine's CPUs, in the order of the device tree.</summary>
internal static class Cpus
{
    private const ulong KernelPstate = 0x3c5;    // EL1h, all masked

    private static CpuAffinities _affinities;

    public static int Count { get; private set; }

    /// <summary>Boot: what the device tree says.</summary>
    public static void Set(in Board board)
    {
        _affinities = board.Affinities;
        Count = board.CpuCount;
    }

    /// <summary>Number of the CPU with these affinity fields, or -1.</summary>
    public static int Find(ulong affinity)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_affinities[i] == affinity)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Any CPU but the first, started by <see cref="Psci"/>.</summary>
    public static void StartSecondary()
    {
        ref CpuLocal cpu = ref CpuLocal.Current;
        Worlds.InitialiseCpu();
        SetEntry(ref cpu.Os, cpu.EntryPoint, cpu.EntryArgument);
        Volatile.Write(ref cpu.Power, (uint)PowerState.On);
    }

    /// <summary>The OS enters at EL1, all other registers zero.</summary>
    public static void SetEntry(ref RegisterFile os, ulong entry, ulong argument)
    {
        os = default;
        os.General[0] = argument;
        os.Pc = entry;
        os.Pstate = KernelPstate;
    }
}
