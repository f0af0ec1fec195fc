using System.CommandLine;
using BlackBox.Boot;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Cli;

/// <summary>The options of every command that starts an emulated machine.</summary>
internal sealed class MachineOptionSet(bool alwaysNative = false)
{
    private readonly Option<bool> _native = new("--native") { Description = "Start Debian's kernel directly, without the monitor" };
    private readonly Option<string?> _monitor = new("--monitor") { Description = "Monitor image to start (default: the one that was built)", HelpName = "FILE" };
    private readonly Option<bool> _firmware = new("--firmware") { Description = "Start through UEFI firmware with Secure Boot, which starts the signed monitor (docs/boot.md)" };
    private readonly Option<bool> _freshTpm = new("--fresh-tpm") { Description = "With --firmware: a new TPM, which goes away with the machine, and with it the platform's key" };
    private readonly Option<string[]> _oldest = OldestImages.Option();
    private readonly Option<int> _cpus = new("--cpus", "-c") { Description = "Number of CPUs", DefaultValueFactory = _ => 2, HelpName = "N" };
    private readonly Option<int> _memory = new("--memory", "-m") { Description = "RAM in MiB", DefaultValueFactory = _ => 1024, HelpName = "MIB" };
    private readonly Option<string> _cpuModel = new("--cpu-model") { Description = "QEMU's name of the CPU", DefaultValueFactory = _ => "neoverse-n1", HelpName = "NAME" };
    private readonly Option<string[]> _ports = new("--publish", "-p") { Description = "Lead a port of this host to one of the guest", HelpName = "HOST:GUEST", DefaultValueFactory = _ => [] };
    private readonly Option<bool> _network = new("--network") { Description = "Give the guest a network card" };
    private readonly Option<string[]> _disks = new("--disk") { Description = "Attach a raw disk image, read-only unless ',rw' follows", HelpName = "FILE[,rw]", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _modules = new("--module") { Description = "Load a module of Debian's kernel at start", HelpName = "NAME", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _files = new("--file", "-f") { Description = "Copy a file or folder of this host into the guest's root", HelpName = "HOST:GUEST", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _append = new("--append") { Description = "Add words to the kernel's command line", HelpName = "WORDS", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _qemu = new("--qemu") { Description = "Pass an argument to QEMU as it is", HelpName = "ARG", DefaultValueFactory = _ => [] };
    private readonly Option<int?> _gdb = new("--gdb") { Description = "Open QEMU's debugger port on this TCP port of the loopback address", HelpName = "PORT" };
    private readonly Option<bool> _wait = new("--wait") { Description = "With --gdb: wait for the debugger before the first instruction" };
    private readonly Option<bool> _onConsole = new("--channel-on-console") { Description = "Run commands over the console, not over a PCI serial port" };
    private readonly Option<string?> _log = new("--console-log") { Description = "Write the guest's console to a file", HelpName = "FILE" };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Show the guest's console on standard error" };
    private readonly Option<int> _bootTimeout = new("--boot-timeout") { Description = "Seconds the guest may take to come up", DefaultValueFactory = _ => 120, HelpName = "SECONDS" };

    /// <summary>Adds the options to a command.</summary>
    public MachineOptionSet AddTo(Command command)
    {
        foreach (var option in (Option[])[.. alwaysNative ? (Option[])[] : [_native, _monitor, _firmware, _freshTpm, _oldest], _cpus, _memory, _cpuModel, _ports, _network, _disks, _modules, _files, _append, _qemu, _gdb, _wait, _onConsole, _log, _verbose, _bootTimeout])
        {
            command.Add(option);
        }

        return this;
    }

    /// <summary>No monitor is wanted.</summary>
    public bool IsNative(ParseResult parsed) => alwaysNative || parsed.GetValue(_native);

    /// <summary>A monitor's image is named, so that none has to be built.</summary>
    public bool NamesMonitor(ParseResult parsed) => !alwaysNative && parsed.GetValue(_monitor) is not null;

    /// <summary>The monitor is started by UEFI firmware.</summary>
    public bool UsesFirmware(ParseResult parsed) => !alwaysNative && parsed.GetValue(_firmware);

    /// <summary>What the user asked for.</summary>
    /// <param name="monitorIsBuilt">False: the monitor's image need not exist yet.</param>
    /// <exception cref="BlackBoxException">An option has a value that makes no sense.</exception>
    public MachineOptions Read(ParseResult parsed, bool monitorIsBuilt = true) => new()
    {
        Cpus = parsed.GetValue(_cpus),
        MemoryMiB = parsed.GetValue(_memory),
        CpuModel = parsed.GetValue(_cpuModel)!,
        Monitor = MonitorImage(parsed, monitorIsBuilt),
        Firmware = UsesFirmware(parsed) ? new SignedFirmware { TpmState = parsed.GetValue(_freshTpm) ? null : SignedFirmware.HostTpm } : null,
        Ports = [.. parsed.GetValue(_ports)!.Select(ParsePort)],
        Network = parsed.GetValue(_network),
        Disks = [.. parsed.GetValue(_disks)!.Select(disk => disk.EndsWith(",rw", StringComparison.Ordinal) ? new MachineDisk(disk[..^3], ReadOnly: false) : new MachineDisk(disk))],
        Modules = parsed.GetValue(_modules)!,
        Files = [.. parsed.GetValue(_files)!.Select(ParseFile)],
        KernelArguments = [.. parsed.GetValue(_append)!, .. alwaysNative || parsed.GetValue(_oldest) is not { Length: > 0 } oldest ? (string[])[] : [OldestImages.Word(oldest)]],
        QemuArguments = parsed.GetValue(_qemu)!,
        GdbPort = parsed.GetValue(_gdb),
        WaitForDebugger = parsed.GetValue(_wait),
        ChannelOnConsole = parsed.GetValue(_onConsole),
        ConsoleLog = parsed.GetValue(_log),
        OnConsoleLine = parsed.GetValue(_verbose) ? Console.Error.WriteLine : null,
        BootTimeout = parsed.GetValue(_gdb) is not null ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(parsed.GetValue(_bootTimeout)),
    };

    private string? MonitorImage(ParseResult parsed, bool isBuilt)
    {
        if (alwaysNative)
        {
            return null;
        }

        if (parsed.GetValue(_native))
        {
            return parsed.GetValue(_monitor) is null && !UsesFirmware(parsed) ? null : throw new BlackBoxException("--native excludes --monitor and --firmware");
        }

        var image = parsed.GetValue(_monitor) ?? Path.Combine(BlackBoxPaths.Images, UsesFirmware(parsed) ? "monitor.efi" : "monitor.bin");
        return File.Exists(image) || (!isBuilt && !NamesMonitor(parsed))
            ? image
            : throw new BlackBoxException($"the monitor's image {image} does not exist", "build it with: ./blackbox build, or use --native");
    }

    private static PortForward ParsePort(string text)
    {
        try
        {
            return PortForward.Parse(text);
        }
        catch (FormatException error)
        {
            throw new BlackBoxException(error.Message, null, error);
        }
    }

    private static RootFilesystem ParseFile(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || colon == text.Length - 1)
        {
            throw new BlackBoxException($"'{text}': expected HOST-PATH:GUEST-PATH");
        }

        var (host, guest) = (text[..colon], RootPath.Parse(text[(colon + 1)..]));
        if (!Path.Exists(host))
        {
            throw new BlackBoxException($"{host} does not exist");
        }

        return HostFiles.Take(host, guest);
    }
}
