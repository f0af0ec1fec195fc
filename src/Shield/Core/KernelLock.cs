using System.Runtime.CompilerServices;
using System.Threading;

namespace BlackBox.Shield;

/// <summary>
/// The one lock of an enclave's shield. Its word is the monitor's handle of the task that holds it, so that a waiter can
/// ask the monitor to run a preempted holder on its own CPU (directed yield): Linux may stop the holder at any instruction.
/// </summary>
internal static class KernelLock
{
    /// <summary>Somebody waits: the holder calls YieldBack after the release. Handles have 48 bits.</summary>
    private const ulong Waiters = 1UL << 63;

    private static ulong word;

    public static bool IsHeld => Volatile.Read(ref word) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Acquire()
    {
        ulong self = Hardware.CurrentTask;
        if (Interlocked.CompareExchange(ref word, self, 0) != 0)
        {
            Wait(self);
        }
    }

    public static void Release()
    {
        ulong old = Interlocked.Exchange(ref word, 0);
        if ((old & ~Waiters) != Hardware.CurrentTask)
        {
            Panic.Stop(PanicReason.Invariant, "kernel lock released by another"u8);
        }

        if ((old & Waiters) != 0)
        {
            Hardware.YieldBack();
        }
    }

    private static void Wait(ulong self)
    {
        while (true)
        {
            ulong seen = Volatile.Read(ref word);
            if (seen == 0)
            {
                // Others may wait too: take it with the flag set, one YieldBack too many is harmless.
                if (Interlocked.CompareExchange(ref word, self | Waiters, 0) == 0)
                {
                    return;
                }

                continue;
            }

            if ((seen & Waiters) == 0 && Interlocked.CompareExchange(ref word, seen | Waiters, seen) != seen)
            {
                continue;
            }

            // Denied: the holder runs on another CPU.
            if (Hardware.YieldTo(seen & ~Waiters) != Status.Success)
            {
                Hardware.SpinHint();
            }
        }
    }

    /// <summary>Address of the word, for the end of a thread, which runs without a stack.</summary>
    internal static ref ulong Word => ref word;

    internal static void Reset() => word = 0;
}
