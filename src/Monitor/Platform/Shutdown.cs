using System.Threading;

namespace BlackBox.Monitor;

/// <summary>The way down: RAM may keep its content over a reset, so what is not the OS's is scrubbed first.</summary>
internal static class Shutdown
{
    private const ulong PatienceMilliseconds = 50;

    /// <summary>Does not return unless the firmware refuses.</summary>
    public static void Run(uint function, ulong argument1, ulong argument2)
    {
        if (!Halt.TryForShutdown())
        {
            El2.Park();
        }

        WaitForContainers();
        ScrubAll();
        Firmware.Call(function, argument1, argument2);
        MonitorConsole.WriteLine("the firmware refused to go down"u8);
        El2.Park();
    }

    // A container on another CPU leaves with its next interrupt, and then does not come back.
    private static void WaitForContainers()
    {
        ulong limit = El2Registers.ReadCounter() + (El2Registers.ReadFrequency() * PatienceMilliseconds / 1000);
        for (int i = 0; i < Cpus.Count; i++)
        {
            while (i != Hardware.CurrentCpu && Volatile.Read(ref Hardware.LocalOf(i).Record.Task) != 0 && El2Registers.ReadCounter() < limit)
            {
                El2.SpinHint();
            }
        }
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
