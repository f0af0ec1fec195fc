using System;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>
/// From the firmware to the monitor: reads what is to be started, checks it against the signed manifest, puts everything where the monitor wants
/// it and goes there. All that is wrong ends in a line that names it, and in the firmware's hands again.
/// </summary>
internal static class Loader
{
    // For the operating system's loader; 12 is what others use for command lines and initial RAM disks too.
    private const uint MeasurementRegister = 12;
    private const uint ExceptionLevel = 2;

    private static ReadOnlySpan<byte> ManifestPath => "\\EFI\\BlackBox\\manifest"u8;

    private static ReadOnlySpan<byte> KernelPath => "\\EFI\\BlackBox\\kernel"u8;

    private static ReadOnlySpan<byte> InitrdPath => "\\EFI\\BlackBox\\initrd"u8;

    private static ReadOnlySpan<byte> CommandLinePath => "\\EFI\\BlackBox\\cmdline"u8;

    /// <summary>Returns only if nothing was started.</summary>
    /// <returns>an EFI_STATUS</returns>
    public static ulong Run()
    {
        Line("BlackBox monitor, UEFI application"u8);
        if (Efi.Level == ExceptionLevel)
        {
            new InstructionSet(Efi.ReadInstructionSet()).Use();
            if (IsSecure() || BootKey.IsDevelopment)
            {
                Boot();
            }
            else
            {
                Refuse("firmware"u8, "Secure Boot is off, and this monitor was not built for development"u8);
            }
        }
        else
        {
            Refuse("firmware"u8, "it does not run at EL2"u8);
        }

        return Efi.SecurityViolation;
    }

    // The firmware has checked this program's signature only if both hold.
    private static bool IsSecure()
    {
        bool isOn = Efi.TryReadFlag("SecureBoot"u8, out byte secure) && secure == 1 && Efi.TryReadFlag("SetupMode"u8, out byte setup) && setup == 0;
        Line(isOn ? "Secure Boot is on"u8 : "SECURE BOOT OFF: anything could have been started in this monitor's place"u8);
        return isOn;
    }

    private static void Boot()
    {
        if (!Efi.TryFindTree(out AddressRange treeFile) || !DeviceTree.TryOpen(Efi.Bytes(treeFile), out DeviceTree tree))
        {
            Refuse("firmware"u8, "it gives no device tree (QEMU: acpi=off)"u8);
            return;
        }

        tree.TryFindRam(BootPlacement.MonitorStart, out AddressRange ram);
        Efi.AllocateFrom(BootPlacement.ClearOf(ram));
        if (!Efi.FindReserved(ram).IsEmpty)
        {
            Refuse("firmware"u8, "there is too little RAM where the monitor wants it, or a part of it is reserved"u8);
            return;
        }

        if (!TryRead(ManifestPath, out AddressRange manifestFile))
        {
            return;
        }

        if (!BootManifest.TryOpen(Efi.Bytes(manifestFile), BootKey.Public, out BootManifest manifest))
        {
            Refuse(ManifestPath, "its signature is not that of this monitor's boot key"u8);
            return;
        }

        if (!TryRead(manifest, BootFile.Kernel, KernelPath, out AddressRange kernel) || !TryRead(manifest, BootFile.Initrd, InitrdPath, out AddressRange initrd)
            || !TryRead(manifest, BootFile.CommandLine, CommandLinePath, out AddressRange commandLine))
        {
            return;
        }

        Line(BootKey.IsDevelopment ? "kernel, initrd and command line are those of the manifest (DEVELOPMENT KEY, anybody can sign)"u8
            : "kernel, initrd and command line are those of the manifest"u8);
        Measure(manifestFile, kernel, initrd, commandLine);
        Place(Efi.Bytes(treeFile), tree, kernel, initrd, Efi.Bytes(commandLine));
    }

    private static void Measure(AddressRange manifest, AddressRange kernel, AddressRange initrd, AddressRange commandLine)
    {
        bool isMeasured = Efi.TryMeasure(MeasurementRegister, "BlackBox manifest"u8, Efi.Bytes(manifest))
            && Efi.TryMeasure(MeasurementRegister, "BlackBox kernel"u8, Efi.Bytes(kernel))
            && Efi.TryMeasure(MeasurementRegister, "BlackBox initrd"u8, Efi.Bytes(initrd))
            && Efi.TryMeasure(MeasurementRegister, "BlackBox command line"u8, Efi.Bytes(commandLine));
        Line(isMeasured ? "measured into PCR 12 of the TPM"u8 : "NOT MEASURED: there is no TPM, or it failed"u8);
    }

    private static void Place(ReadOnlySpan<byte> treeFile, DeviceTree tree, AddressRange kernel, AddressRange initrd, ReadOnlySpan<byte> commandLine)
    {
        ulong kernelSize = BootPlacement.SizeOfKernel(Efi.Bytes(kernel));
        if (kernelSize == 0 || !BootPlacement.IsCommandLine(commandLine))
        {
            Refuse(kernelSize == 0 ? KernelPath : CommandLinePath, "no arm64 Image up to 64 MiB, or no printable ASCII up to 2047 bytes"u8);
            return;
        }

        AddressRange monitor = Efi.MonitorImage;
        AddressRange target = new() { Size = (ulong)(treeFile.Length + BootTree.Extra + commandLine.Length) };
        if (!Efi.TryAllocate(monitor.Size, out ulong monitorAt) || !Efi.TryAllocate(target.Size, out target.Start) || !Efi.TryAllocate(Moves.Bytes, out ulong listAt)
            || !Efi.TryAllocate(BootPlacement.PageSize, out ulong codeAt, isCode: true) || BootTree.Write(treeFile, tree, Efi.Bytes(target), commandLine, initrd) == 0)
        {
            Refuse("firmware"u8, "too little free RAM, or a device tree without /chosen"u8);
            return;
        }

        Efi.Bytes(monitor).CopyTo(Efi.Bytes(new AddressRange { Start = monitorAt, Size = monitor.Size }));

        // The firmware's dirty lines must not come over what is written with the caches off: all of the monitor's and kernel's ranges, first.
        ulong kernelStart = BootPlacement.MonitorStart - BootPlacement.MonitorSize + BootPlacement.KernelOffset;
        Moves moves = new(listAt);
        moves.Clean(BootPlacement.MonitorStart, BootPlacement.MonitorSize);
        moves.Clean(kernelStart, kernelSize);
        moves.Add(BootPlacement.MonitorStart, monitorAt, monitor.Size);
        moves.Add(kernelStart, kernel.Start, kernel.Size);
        moves.Clean(initrd.Start, initrd.Size);
        moves.Clean(target.Start, target.Size);
        moves.Clean(codeAt, BootPlacement.PageSize);
        Line("leaving the firmware"u8);
        Efi.Leave(codeAt, moves, target.Start);
        Refuse("firmware"u8, "it does not end its services"u8);
    }

    private static bool TryRead(ReadOnlySpan<byte> path, out AddressRange content)
    {
        bool good = Efi.TryReadFile(path, out content);
        if (!good)
        {
            Refuse(path, "it cannot be read, or there is too little free RAM"u8);
        }

        return good;
    }

    private static bool TryRead(in BootManifest manifest, BootFile file, ReadOnlySpan<byte> path, out AddressRange content)
    {
        bool good = TryRead(path, out content);
        if (good && !manifest.Matches(file, Efi.Bytes(content)))
        {
            Refuse(path, "it is not the one that the boot manifest names"u8);
            return false;
        }

        return good;
    }

    private static void Refuse(ReadOnlySpan<byte> what, ReadOnlySpan<byte> why)
    {
        Efi.Write("blackbox: BOOT REFUSED: "u8);
        Efi.Write(what);
        Efi.Write(": "u8);
        Efi.Write(why);
        Efi.Write("\r\n"u8);
    }

    private static void Line(ReadOnlySpan<byte> text)
    {
        Efi.Write("blackbox: "u8);
        Efi.Write(text);
        Efi.Write("\r\n"u8);
    }
}
