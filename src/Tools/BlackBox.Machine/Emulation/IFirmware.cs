namespace BlackBox.Emulation;

/// <summary>What a machine with firmware shall start: the monitor as a UEFI application, and what it needs.</summary>
public sealed record FirmwareRequest(string Application, string Kernel, string Initrd, string CommandLine);

/// <summary>What such a machine is started from.</summary>
/// <param name="Code">Flash with the firmware, read-only.</param>
/// <param name="Variables">Flash with the firmware's variables.</param>
/// <param name="VariablesReadOnly">The machine cannot write to <paramref name="Variables"/>.</param>
/// <param name="SystemPartition">Disk image with the EFI system partition, read-only; the last of the machine's disks.</param>
/// <param name="Tpm">Null: the machine has none.</param>
public sealed record FirmwareFiles(string Code, string Variables, bool VariablesReadOnly, string SystemPartition, TpmFiles? Tpm);

/// <summary>A TPM's files.</summary>
/// <param name="State">Folder of what it keeps; made if it does not exist.</param>
/// <param name="Socket">Where it listens for the machine.</param>
public sealed record TpmFiles(string State, string Socket);

/// <summary>Makes the files that a machine with UEFI firmware starts from.</summary>
public interface IFirmware
{
    /// <summary>Makes them for one run.</summary>
    /// <param name="folder">Goes away with the run.</param>
    Task<FirmwareFiles> PrepareAsync(FirmwareRequest request, string folder, CancellationToken cancellation);
}
