using System.Runtime.CompilerServices;
using System.Threading;

namespace BlackBox.Monitor;

/// <summary>Why nothing goes on below EL2 any more, for all CPUs to see.</summary>
internal static class Halt
{
    private const int Panic = 1;
    private const int Down = 2;

    private static int _reason;

    /// <summary>Has some CPU panicked, or is the machine going down?</summary>
    public static bool IsSet => Volatile.Read(ref _reason) != 0;

    public static void ForPanic() => Volatile.Write(ref _reason, Panic);

    /// <summary>True for the first that wants the machine down.</summary>
    public static bool TryForShutdown() => Interlocked.CompareExchange(ref _reason, Down, 0) == 0;

    /// <summary>Stops this CPU if it must, and it carries no container.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(ref CpuLocal cpu)
    {
        if (IsSet)
        {
            Stop(ref cpu);
        }
    }

    private static void Stop(ref CpuLocal cpu)
    {
        if (!cpu.IsInContainer || Volatile.Read(ref _reason) == Panic)
        {
            El2.Park();
        }
    }
}
