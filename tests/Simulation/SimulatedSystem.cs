using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>A booted machine: 64 MiB of RAM or what is asked for, the monitor at its start, CPUs in the OS world.</summary>
public sealed class SimulatedSystem
{
    public const ulong RamBase = 0x4000_0000;
    private const ulong BlockFrames = FrameNumber.PerBlock;

    public SimulatedSystem(ulong megabytes = 64, int cpus = 2)
    {
        Machine = new SimulatedMachine(RamBase, megabytes << 20, cpus);
        Cpus = new SimulatedCpu[cpus];
        for (int i = 0; i < cpus; i++)
        {
            Cpus[i] = new SimulatedCpu(i);
        }

        var ram = new FrameRange(new PhysicalAddress(RamBase).Frame, megabytes * 256);
        var image = new FrameRange(ram.First + BlockFrames + 16, 20);
        if (!MonitorLayout.TryPlace(ram, new FrameRange(ram.First, 2 * BlockFrames), image, IntermediateAddress.Of(image.First) + 0x40, ram.First + BlockFrames, 4, hasSmmu: true, out MonitorLayout layout))
        {
            throw new SimulationException("layout");
        }

        FrameTable.Initialise(layout);
        ForgetRuns();
        OsStageTwo.Build();
        OsStageTwo.MapDevice(new FrameRange(new PhysicalAddress(0x0900_0000).Frame, 2));
        Machine.Tables.AddRoot(OsStageTwo.Vttbr);
        Smmu.Start(SimulatedSmmu.Registers);
    }

    public SimulatedMachine Machine { get; }

    public SimulatedCpu[] Cpus { get; }

    /// <summary>The monitor's variables outside the machine's memory, as after a boot.</summary>
    public static void ForgetRuns()
    {
        Audit.Reset();
        MonitorEntropy.Reset();
    }

    /// <summary>First whole 2 MiB block of the OS's RAM.</summary>
    public static FrameNumber FirstBlock => new((FrameTable.Layout.OsRam.First.Value + BlockFrames - 1) / BlockFrames * BlockFrames);

    /// <summary>The <paramref name="index"/>-th frame from there on.</summary>
    public static ulong Frame(ulong index) => (FirstBlock + index).Address.Value;
}
