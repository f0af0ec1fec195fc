namespace BlackBox.Monitor;

/// <summary>Spin lock in one 32-bit word of the monitor's memory. Interrupts are masked at EL2, work under a lock is bounded, and the
/// order enclave, frames (try only), OS stage-2 excludes deadlock.</summary>
public static class SpinLock
{
    public static void Acquire(PhysicalAddress word)
    {
        while (Hardware.CompareExchange(word, 0u, 1u) != 0)
        {
            Hardware.SpinHint();
        }
    }

    public static void Release(PhysicalAddress word)
    {
        if (Hardware.ReadWord(word) != 1)
        {
            Hardware.Panic(PanicReason.LockNotHeld);
        }

        Hardware.WriteWord(word, 0);
    }
}
