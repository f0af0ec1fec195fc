using System.Threading;
using BlackBox.Freestanding;

namespace BlackBox.Monitor;

/// <summary>The way down: RAM may keep its content over a reset, so what is not the OS's is scrubbed first.</summary>
internal static class Shutdown
{
    private const ulong PatienceMilliseconds = 200;

    /// <summary>Does not return. If a container cannot be brought to leave its CPU, because the OS does not let interrupts through, the machine stops as it is:
    /// nothing of it may be read on.</summary>
    public static void Run(uint function, ulong argument1, ulong argument2)
    {
        if (!Halt.TryForShutdown())
        {
            El2.Park();
        }

        Panic.Unless(WaitForContainers(), "going down: the OS keeps the interrupt from a container"u8);
        ScrubAll();
        Hardware.WipeAndCall(function, argument1, argument2);
    }

    // A container on another CPU leaves with its next interrupt, which is sent to it here, and then does not come back.
    private static bool WaitForContainers()
    {
        El2.InterruptOthers();
        ulong limit = El2Registers.ReadCounter() + (El2Registers.ReadFrequency() * PatienceMilliseconds / 1000);
        for (int i = 0; i < Cpus.Count; i++)
        {
            while (i != Hardware.CurrentCpu && Volatile.Read(ref Hardware.LocalOf(i).Record.Task) != 0)
            {
                if (El2Registers.ReadCounter() >= limit)
                {
                    return false;
                }

                El2.SpinHint();
            }
        }

        return true;
    }

    private static void ScrubAll()
    {
        FrameRange ram = FrameTable.Layout.OsRam;
        for (ulong i = 0; i < ram.Count; i++)
        {
            FrameNumber frame = ram.First + i;
            FrameState state = FrameTable.Read(frame).State;
            if (state is not (FrameState.Os or FrameState.Lent))
            {
                Hardware.Zero(new AddressRange { Start = frame.Address.Value, Size = FrameNumber.Size });
                Hardware.CleanInvalidate(new AddressRange { Start = frame.Address.Value, Size = FrameNumber.Size });
            }
        }
    }
}
