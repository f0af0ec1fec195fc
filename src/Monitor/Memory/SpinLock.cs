namespace BlackBox.Monitor;

/// <summary>Spin lock in one 32-bit word of the monitor's memory. Interrupts are masked at EL2, work under a lock is bounded, and the
/// order enclave, frames (try only), OS stage-2 excludes deadlock.</summary>
public static class SpinLock
{
    public static void Acquire(ref uint word)
    {
        while (Hardware.CompareExchange(ref word, 0, 1) != 0)
        {
            Hardware.SpinHint();
        }
    }

    public static void Release(ref uint word)
    {
        if (Hardware.Read(ref word) != 1)
        {
            Hardware.Panic("lock is not held"u8);
        }

        Hardware.Write(ref word, 0);
    }
}
