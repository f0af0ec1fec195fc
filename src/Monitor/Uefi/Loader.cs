using System;
using System.Buffers.Binary;
using BlackBox.Abi;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>
/// From the firmware to the monitor: reads what is to be started, checks it against the signed manifest, measures it, opens the platform's seed, puts everything
/// where the monitor wants it and goes there. All that is wrong ends in a line that names it, and in the firmware's hands again.
/// </summary>
internal static class Loader
{
    // For the operating system's loader; 12 is what others use for command lines and initial RAM disks too.
    private const uint MeasurementRegister = 12;
    private const uint ExceptionLevel = 2;

    private static ReadOnlySpan<byte> ManifestPath => "\\EFI\\BlackBox\\manifest"u8;

    private static ReadOnlySpan<byte> ApprovalPath => "\\EFI\\BlackBox\\approval"u8;

    private static ReadOnlySpan<byte> KernelPath => "\\EFI\\BlackBox\\kernel"u8;

    private static ReadOnlySpan<byte> InitrdPath => "\\EFI\\BlackBox\\initrd"u8;

    private static ReadOnlySpan<byte> CommandLinePath => "\\EFI\\BlackBox\\cmdline"u8;

    private static bool _isMeasured;

    /// <summary>Returns only if nothing was started.</summary>
    /// <returns>an EFI_STATUS</returns>
    public static ulong Run()
    {
        Line("BlackBox monitor, UEFI application"u8);
        if (Efi.Level != ExceptionLevel)
        {
            Refuse("firmware"u8, "it does not run at EL2"u8);
            return Efi.SecurityViolation;
        }

        new InstructionSet(Efi.ReadInstructionSet()).Use();
        bool isSecure = IsSecure();
        _ = isSecure || BootKey.IsDevelopment
            ? Boot((isSecure ? BootFacts.SecureBoot : 0u) | (BootKey.IsDevelopment ? BootFacts.Development : 0u))
            : Refuse("firmware"u8, "Secure Boot is off, and this monitor was not built for development"u8);
        return Efi.SecurityViolation;
    }

    // The firmware has checked this program's signature only if both hold.
    private static bool IsSecure()
    {
        bool isOn = Efi.ReadFlag("SecureBoot"u8) == 1 && Efi.ReadFlag("SetupMode"u8) == 0;
        Line(isOn ? "Secure Boot is on"u8 : "SECURE BOOT OFF: anything could have been started in this monitor's place"u8);
        return isOn;
    }

    // This and what it calls returns false, and has said why.
    private static bool Boot(uint flags)
    {
        AddressRange treeFile = Efi.FindTree();
        if (!DeviceTree.TryOpen(Efi.Bytes(treeFile), out DeviceTree tree))
        {
            return Refuse("firmware"u8, "it gives no device tree (QEMU: acpi=off)"u8);
        }

        tree.TryFindRam(BootPlacement.MonitorStart, out _, out AddressRange ram);
        Efi.Clear = BootPlacement.ClearOf(ram);
        AddressRange facts = new() { Size = BootPlacement.PageSize + AbiConstants.EvidenceSize };
        if (!Efi.FindReserved(ram).IsEmpty || !Efi.TryAllocate(facts.Size, out facts.Start))
        {
            return Refuse("firmware"u8, "there is too little RAM where the monitor wants it, or a part of it is reserved"u8);
        }

        _isMeasured = true;
        if (!TryRead(ManifestPath, out AddressRange manifestFile, BootFacts.ManifestDigest)
            || !(BootManifest.TryOpen(Efi.Bytes(manifestFile), BootKey.Public, out BootManifest manifest) || Refuse(ManifestPath, "its signature is not that of this monitor's boot key"u8))
            || !TryRead(manifest, BootFile.Kernel, KernelPath, out AddressRange kernel) || !TryRead(manifest, BootFile.Initrd, InitrdPath, out AddressRange initrd)
            || !TryRead(manifest, BootFile.CommandLine, CommandLinePath, out AddressRange commandLine))
        {
            return false;
        }

        Line(BootKey.IsDevelopment ? "kernel, initrd and command line are those of the manifest (DEVELOPMENT KEY, anybody can sign)"u8
            : "kernel, initrd and command line are those of the manifest"u8);
        Line(_isMeasured ? "measured into PCR 12 of the TPM"u8 : "NOT MEASURED: there is no TPM, or it failed"u8);
        Span<byte> told = Efi.Bytes(facts);
        told.Clear();
        BootFacts.Add(flags);
        _ = (!_isMeasured || TryAttest(manifest.Counter, tree, told.Slice((int)BootPlacement.PageSize)))
            && Place(Efi.Bytes(treeFile), tree, kernel, initrd, Efi.Bytes(commandLine), facts);
        told.Clear();
        BootFacts.Told.Clear();
        Tpm.Wipe();
        return false;
    }

    // What the TPM adds to the facts: the platform's seed, and its word for this boot.
    private static bool TryAttest(ulong counter, DeviceTree tree, Span<byte> evidence)
    {
        bool isGood = TryUnseal(counter, tree);
        Span<byte> keys = stackalloc byte[2 * EcdhP384.PublicKeyLength];
        MonitorKeys.MakePublic(MonitorKeys.AttestPurpose, keys.Slice(0, EcdhP384.PublicKeyLength));
        MonitorKeys.MakePublic(MonitorKeys.UnwrapPurpose, keys.Slice(EcdhP384.PublicKeyLength));
        bool isQuoted = PlatformQuote.TryWrite(keys, evidence);
        Line(isQuoted ? "the TPM has signed what was measured"u8 : "NOT ATTESTED: the TPM does not sign"u8);
        BootFacts.Add(isQuoted ? BootFacts.Measured : 0);

        // Nobody opens the seal a second time in this boot.
        return (Efi.TryMeasure(MeasurementRegister, "BlackBox leaves"u8, "leave"u8) || Refuse("firmware"u8, "its TPM has failed"u8)) && isGood;
    }

    private static bool TryUnseal(ulong counter, DeviceTree tree)
    {
        Span<byte> record = stackalloc byte[PlatformSeal.RecordLength];
        record.Clear();
        bool isOpen = PlatformSeal.TryApprove(Efi.TryReadFile(ApprovalPath, out AddressRange approval) ? Efi.Bytes(approval) : default) && PlatformSeal.TryOpen(record, tree.Chosen("rng-seed"u8));
        ulong highest = BinaryPrimitives.ReadUInt64BigEndian(record.Slice(RootKey.Length));
        BinaryPrimitives.WriteUInt64BigEndian(record.Slice(RootKey.Length), counter);
        bool isOurs = isOpen && counter >= highest && (counter == highest || PlatformSeal.TryWrite(record));
        if (isOurs)
        {
            record.Slice(0, RootKey.Length).CopyTo(BootFacts.Seed);
            BootFacts.Add(BootFacts.SealedKey);
            Line("the platform's key is that of this TPM"u8);
        }

        record.Clear();
        if (isOurs || counter < highest)
        {
            return isOurs || Refuse(ManifestPath, "its counter is lower than that of one that was started before"u8);
        }

        Efi.Write("blackbox: the platform's key stays SEALED, because the boot key has not approved this state: "u8);
        Efi.WriteHex(PlatformSeal.State);
        Efi.Write("\r\n"u8);
        return BootKey.IsDevelopment || Refuse(ApprovalPath, "it does not fit, and this monitor was not built for development"u8);
    }

    private static bool Place(ReadOnlySpan<byte> treeFile, DeviceTree tree, AddressRange kernel, AddressRange initrd, ReadOnlySpan<byte> commandLine, AddressRange facts)
    {
        ulong kernelSize = BootPlacement.SizeOfKernel(Efi.Bytes(kernel));
        if (kernelSize == 0 || !BootPlacement.IsCommandLine(commandLine))
        {
            return Refuse(kernelSize == 0 ? KernelPath : CommandLinePath, "no arm64 Image up to 64 MiB, or no printable ASCII up to 2047 bytes"u8);
        }

        AddressRange monitor = Efi.MonitorImage;
        AddressRange target = new() { Size = (ulong)(treeFile.Length + BootTree.Extra + commandLine.Length) };
        if (!Efi.TryAllocate(monitor.Size, out ulong monitorAt) || !Efi.TryAllocate(target.Size, out target.Start) || !Efi.TryAllocate(BootPlacement.PageSize, out ulong listAt)
            || !Efi.TryAllocate(BootPlacement.PageSize, out ulong codeAt, isCode: true) || BootTree.Write(treeFile, tree, Efi.Bytes(target), commandLine, initrd) == 0)
        {
            return Refuse("firmware"u8, "too little free RAM, or a device tree without /chosen"u8);
        }

        BootFacts.Told.CopyTo(Efi.Bytes(facts));
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
        moves.Clean(facts.Start, facts.Size);
        moves.Clean(codeAt, BootPlacement.PageSize);
        Line("leaving the firmware"u8);
        Efi.Leave(codeAt, moves, target.Start, facts.Start);
        return Refuse("firmware"u8, "it does not end its services"u8);
    }

    // The firmware hashes slowly, so it measures the file's digest.
    private static bool TryRead(ReadOnlySpan<byte> path, out AddressRange content, Span<byte> digest)
    {
        bool isRead = Efi.TryReadFile(path, out content) || Refuse(path, "it cannot be read, or there is too little free RAM"u8);
        if (isRead)
        {
            Sha256.Hash(Efi.Bytes(content), digest);
        }

        _isMeasured = isRead && _isMeasured && Efi.TryMeasure(MeasurementRegister, path, digest);
        return isRead;
    }

    private static bool TryRead(in BootManifest manifest, BootFile file, ReadOnlySpan<byte> path, out AddressRange content)
    {
        Span<byte> digest = stackalloc byte[Sha256.Length];
        return TryRead(path, out content, digest) && (manifest.Matches(file, content.Size, digest) || Refuse(path, "it is not the one that the boot manifest names"u8));
    }

    private static bool Refuse(ReadOnlySpan<byte> what, ReadOnlySpan<byte> why)
    {
        Line("BOOT REFUSED: "u8, what, ": "u8, why);
        return false;
    }

    private static void Line(ReadOnlySpan<byte> text, ReadOnlySpan<byte> what = default, ReadOnlySpan<byte> separator = default, ReadOnlySpan<byte> why = default)
    {
        Efi.Write("blackbox: "u8);
        Efi.Write(text);
        Efi.Write(what);
        Efi.Write(separator);
        Efi.Write(why);
        Efi.Write("\r\n"u8);
    }
}
