using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>MPIDR affinity fields, one per CPU.</summary>
[InlineArray((int)Constants.MaximumCpus)]
public struct CpuAffinities
{
    private ulong _first;
}
