using System.Net;
using BlackBox.Images;

namespace BlackBox.Emulation;

/// <summary>A TCP port of this host that leads to one in the guest.</summary>
public sealed record PortForward(IPAddress HostAddress, int HostPort, int GuestPort)
{
    /// <summary>Reads "8080:80" or "127.0.0.1:8080:80". Without an address the port is open on this host only.</summary>
    /// <exception cref="FormatException">Not of that form, or a port outside 1 to 65535.</exception>
    public static PortForward Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Split(':');
        var address = IPAddress.Loopback;
        if (parts.Length is not (2 or 3) || (parts.Length == 3 && !IPAddress.TryParse(parts[0], out address!)) ||
            !Port(parts[^2], out var host) || !Port(parts[^1], out var guest))
        {
            throw new FormatException($"'{text}' is no port forwarding: expected HOST:GUEST or ADDRESS:HOST:GUEST, ports from 1 to 65535");
        }

        return new PortForward(address, host, guest);

        static bool Port(string text, out int port) => int.TryParse(text, out port) && port is >= 1 and <= 65535;
    }
}

/// <summary>A disk of the guest, on virtio-blk-pci: /dev/vda, /dev/vdb ... in order.</summary>
/// <param name="Path">Raw image on this host.</param>
/// <param name="ReadOnly">The guest cannot write to it.</param>
public sealed record MachineDisk(string Path, bool ReadOnly = true);

/// <summary>The emulated Arm server as the caller wants it.</summary>
public sealed record MachineOptions
{
    public int Cpus { get; init; } = 2;

    /// <summary>RAM in MiB.</summary>
    public int MemoryMiB { get; init; } = 1024;

    /// <summary>QEMU's name for the CPU.</summary>
    public string CpuModel { get; init; } = "neoverse-n1";

    /// <summary>
    /// The monitor's image (arm64 Image protocol); it starts at EL2 and starts Linux. Null: Linux is started directly.
    /// </summary>
    public string? Monitor { get; init; }

    /// <summary>
    /// UEFI firmware that starts <see cref="Monitor"/>, which must be a UEFI application then (monitor.efi), from a disk. Null: QEMU loads everything.
    /// </summary>
    public IFirmware? Firmware { get; init; }

    /// <summary>
    /// Bit-identical runs: instructions are counted (1 instruction = 1 ns of guest time), no clock or entropy of the
    /// host comes in. Network and disks are refused (firmware reads a disk, and waits for it by the host's time: such a run is
    /// nearly the same each time), commands must be given in advance
    /// (<see cref="MachineJob"/>). The guest's random numbers are the same each time: for measuring only.
    /// </summary>
    public bool Repeatable { get; init; }

    /// <summary>A network card behind QEMU's own NAT. Implied by <see cref="Ports"/>.</summary>
    public bool Network { get; init; }

    public IReadOnlyList<PortForward> Ports { get; init; } = [];

    public IReadOnlyList<MachineDisk> Disks { get; init; } = [];

    /// <summary>Kernel modules to load at start, besides those that network and disks need.</summary>
    public IReadOnlyList<string> Modules { get; init; } = [];

    /// <summary>Files to add to the guest's root.</summary>
    public IReadOnlyList<RootFilesystem> Files { get; init; } = [];

    /// <summary>Words to add to the kernel's command line.</summary>
    public IReadOnlyList<string> KernelArguments { get; init; } = [];

    /// <summary>TCP port on the loopback address for a debugger (QEMU's gdb stub), or null.</summary>
    public int? GdbPort { get; init; }

    /// <summary>With <see cref="GdbPort"/>: no instruction is executed until the debugger says so.</summary>
    public bool WaitForDebugger { get; init; }

    /// <summary>Arguments for QEMU as they are, for experiments.</summary>
    public IReadOnlyList<string> QemuArguments { get; init; } = [];

    /// <summary>
    /// Commands go over the console instead of a serial port of their own. For a monitor that does not let the guest
    /// reach PCI devices yet.
    /// </summary>
    public bool ChannelOnConsole { get; init; }

    /// <summary>Other processes of this user may ask the guest for what the monitor has noted (<see cref="RunningMachine"/>).</summary>
    public bool AnswersQuestions { get; init; }

    /// <summary>How long the guest may take until its agent answers.</summary>
    public TimeSpan BootTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Keeps a copy of the console here.</summary>
    public string? ConsoleLog { get; init; }

    /// <summary>Called with each line of the console, on a thread of its own.</summary>
    public Action<string>? OnConsoleLine { get; init; }

    internal bool HasNetwork => Network || Ports.Count > 0;

    internal IEnumerable<string> AllModules => (HasNetwork ? (string[])["virtio_pci", "virtio_net"] : [])
        .Concat(Disks.Count > 0 ? ["virtio_pci", "virtio_blk"] : [])
        .Concat(Modules).Distinct();
}
