using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

[InlineArray(Board.MaximumDevices)]
public struct DeviceRanges
{
    private AddressRange _first;
}

/// <summary>What the monitor wants to know of the machine. Filled by <see cref="BoardReader"/>.</summary>
public struct Board
{
    public const int MaximumDevices = 32;

    /// <summary>The RAM in which the monitor itself stands.</summary>
    public AddressRange Ram;

    /// <summary>Initial RAM disk, empty if there is none.</summary>
    public AddressRange Initrd;

    /// <summary>The console (PL011), empty if there is none.</summary>
    public AddressRange Console;

    /// <summary>Redistributors of the interrupt controller (GICv3), empty if there are none.</summary>
    public AddressRange Redistributors;

    /// <summary>Registers of the SMMU in front of all PCI devices, empty if there is none.</summary>
    public AddressRange Smmu;
    public uint SmmuHandle;

    /// <summary>What the PCI host bridges name as their IOMMU.</summary>
    public uint PciSmmuHandle;
    public bool HasPciWithoutSmmu;

    /// <summary>CPUs in the order of the device tree: MPIDR affinity fields.</summary>
    public CpuAffinities Affinities;
    public int CpuCount;

    /// <summary>Ranges of devices that the OS may reach.</summary>
    public DeviceRanges Devices;
    public int DeviceCount;
}
