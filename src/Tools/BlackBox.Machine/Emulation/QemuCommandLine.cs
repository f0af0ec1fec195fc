using System.Globalization;
using BlackBox.Guest;
using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>Where the streams of a machine are connected.</summary>
internal sealed record MachineWiring(string Initrd, string Channel, string? ConsoleSocket, string? ChannelSocket, string? MonitorSocket, bool OutputToFiles, string? QuestionSocket = null);

/// <summary>
/// The QEMU command line: machine "virt" with EL2, GICv3 and SMMUv3. Every device that does DMA is a PCI device,
/// because only those are behind the SMMU; virtio-mmio is not used.
/// </summary>
internal static class QemuCommandLine
{
    public const string Program = "qemu-system-aarch64";

    /// <summary>
    /// Where the stock kernel is put when the monitor is started in its place. The monitor is loaded by QEMU at
    /// 0x40200000 (start of RAM + text offset rounded to 2 MiB); initial RAM disk and device tree go to 0x48000000 and above.
    /// </summary>
    public const string KernelAddress = "0x44000000";

    /// <param name="firmware">What the machine starts from; null: QEMU loads kernel, monitor and RAM disk itself.</param>
    public static List<string> Build(MachineOptions options, GuestKernel kernel, MachineWiring wiring, FirmwareFiles? firmware = null)
    {
        Check(options);
        // Without ACPI the firmware hands out the device tree.
        var machine = "virt,virtualization=on,gic-version=3,iommu=smmuv3,its=off" + (firmware is null ? "" : ",acpi=off");
        List<string> arguments =
        [
            "-machine", options.Repeatable ? machine + ",dtb-randomness=off" : machine,
            "-cpu", options.CpuModel,
            "-smp", options.Cpus.ToString(CultureInfo.InvariantCulture),
            "-m", $"{options.MemoryMiB}M",
            "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot",
        ];
        if (options.Repeatable)
        {
            arguments.AddRange(["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm", "-seed", "1"]);
        }

        AddStreams(arguments, wiring);
        AddNetwork(arguments, options);

        // iommu_platform puts a virtio device's DMA behind the SMMU, whatever the guest's driver says it can do; it is a
        // feature of virtio 1.x only, hence disable-legacy.
        for (var i = 0; i < options.Disks.Count; i++)
        {
            var disk = options.Disks[i];
            arguments.AddRange(
            [
                "-drive", $"if=none,id=disk{i},format=raw,file={Escape(disk.Path)},readonly={(disk.ReadOnly ? "on" : "off")}",
                "-device", $"virtio-blk-pci,drive=disk{i},disable-legacy=on,iommu_platform=on",
            ]);
        }

        if (firmware is not null)
        {
            AddFirmware(arguments, firmware);
        }
        else
        {
            arguments.AddRange(options.Monitor is null
                ? ["-kernel", kernel.Image]
                : ["-kernel", options.Monitor, "-device", $"loader,file={Escape(kernel.Image)},addr={KernelAddress},force-raw=on"]);
            arguments.AddRange(["-initrd", wiring.Initrd, "-append", KernelCommandLine(options, wiring)]);
        }

        if (options.GdbPort is { } port)
        {
            arguments.AddRange(["-gdb", $"tcp:127.0.0.1:{port}"]);
            if (options.WaitForDebugger)
            {
                arguments.Add("-S");
            }
        }

        arguments.AddRange(options.QemuArguments);
        return arguments;
    }

    private static void AddFirmware(List<string> arguments, FirmwareFiles firmware)
    {
        if (firmware.Tpm is { } tpm)
        {
            arguments.AddRange(["-chardev", $"socket,id=tpm,path={Escape(tpm.Socket)}", "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis-device,tpmdev=tpm0"]);
        }

        arguments.AddRange(
        [
            "-drive", $"if=pflash,unit=0,format=raw,readonly=on,file={Escape(firmware.Code)}",
            "-drive", $"if=pflash,unit=1,format=raw,readonly={(firmware.VariablesReadOnly ? "on" : "off")},file={Escape(firmware.Variables)}",
            "-drive", $"if=none,id=esp,format=raw,readonly=on,file={Escape(firmware.SystemPartition)}",
            "-device", "virtio-blk-pci,drive=esp,bootindex=0,disable-legacy=on,iommu_platform=on",
        ]);
    }

    /// <summary>What Linux is told.</summary>
    public static string KernelCommandLine(MachineOptions options, MachineWiring wiring)
    {
        List<string> words = ["console=ttyAMA0", "earlycon", "panic=-1"];
        if (options.Repeatable)
        {
            words.AddRange(["nokaslr", "random.trust_bootloader=off"]);
        }

        if (wiring.Channel.Length > 0)
        {
            words.Add($"blackbox.channel={wiring.Channel}");
        }

        if (wiring.QuestionSocket is not null)
        {
            words.Add($"blackbox.questions={(wiring.ChannelSocket is null ? "ttyS0" : "ttyS1")}");
        }

        var now = options.Repeatable ? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) : DateTimeOffset.UtcNow;
        words.Add(string.Create(CultureInfo.InvariantCulture, $"blackbox.time={now.ToUnixTimeSeconds()}"));
        if (options.HasNetwork)
        {
            words.Add("blackbox.net=user");
        }

        words.AddRange(options.KernelArguments);
        return string.Join(' ', words);
    }

    private static void AddStreams(List<string> arguments, MachineWiring wiring)
    {
        if (wiring.ConsoleSocket is null)
        {
            // Interactive: the user's terminal is the guest's console. Ctrl-A X ends, Ctrl-A C is QEMU's monitor.
            arguments.AddRange(["-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console", "-mon", "chardev=console,mode=readline"]);
        }
        else
        {
            arguments.AddRange(["-chardev", Chardev("console", wiring.ConsoleSocket, wiring.OutputToFiles), "-serial", "chardev:console"]);
        }

        if (wiring.ChannelSocket is not null)
        {
            arguments.AddRange(["-chardev", Chardev("channel", wiring.ChannelSocket, wiring.OutputToFiles), "-device", "pci-serial,chardev=channel"]);
        }

        if (wiring.QuestionSocket is { } questions)
        {
            arguments.AddRange(["-chardev", $"socket,id=questions,path={Escape(questions)},server=on,wait=off", "-device", "pci-serial,chardev=questions"]);
        }

        if (wiring.MonitorSocket is not null)
        {
            arguments.AddRange(["-chardev", Chardev("control", wiring.MonitorSocket, file: false), "-mon", "chardev=control,mode=control"]);
        }
    }

    private static string Chardev(string id, string path, bool file) =>
        file ? $"file,id={id},path={Escape(path)}" : $"socket,id={id},path={Escape(path)},server=off";

    private static void AddNetwork(List<string> arguments, MachineOptions options)
    {
        if (!options.HasNetwork)
        {
            arguments.AddRange(["-nic", "none"]);
            return;
        }

        var forwards = options.Ports.Select(port => $",hostfwd=tcp:{port.HostAddress}:{port.HostPort}-:{port.GuestPort}");
        arguments.AddRange(
        [
            "-netdev", "user,id=net" + string.Concat(forwards),
            "-device", "virtio-net-pci,netdev=net,romfile=,disable-legacy=on,iommu_platform=on",
        ]);
    }

    private static void Check(MachineOptions options)
    {
        if (options.Cpus is < 1 or > 64)
        {
            throw new BlackBoxException($"{options.Cpus} CPUs: choose 1 to 64");
        }

        if (options.MemoryMiB is < 256 or > 262144)
        {
            throw new BlackBoxException($"{options.MemoryMiB} MiB of memory: choose 256 MiB to 256 GiB");
        }

        if (options.Repeatable && (options.HasNetwork || options.Disks.Count > 0))
        {
            throw new BlackBoxException("a repeatable run can have neither network nor disks: they keep the host's time");
        }

        if (options.Firmware is not null && options.Monitor is null)
        {
            throw new BlackBoxException("firmware starts the monitor: it does not go with a kernel that is started directly");
        }
    }

    /// <summary>QEMU's option parser doubles a comma that belongs to a value.</summary>
    private static string Escape(string value) => value.Replace(",", ",,");
}
