using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Boot;

/// <summary>
/// Debian's UEFI firmware for QEMU (package qemu-efi-aarch64) with keys of this host's own enrolled: it starts the signed monitor, which starts what
/// the boot manifest names.
/// </summary>
public sealed class SignedFirmware : IFirmware
{
    private const string Code = "/usr/share/AAVMF/AAVMF_CODE.fd";

    /// <summary>The firmware checks signatures. False: Secure Boot is off.</summary>
    public bool SecureBoot { get; init; } = true;

    /// <summary>The application is signed.</summary>
    public bool SignApplication { get; init; } = true;

    /// <summary>The machine cannot change the firmware's variables, from its first boot on. AAVMF then keeps to itself what it refuses to start.</summary>
    public bool ReadOnlyVariables { get; init; } = true;

    /// <summary>The machine has a TPM 2.0.</summary>
    public bool HasTpm { get; init; } = true;

    /// <summary>Folder of what the TPM keeps. Null: a new TPM, which goes away with the run.</summary>
    public string? TpmState { get; init; }

    /// <summary>The boot manifest's counter. All manifests of this class have the same, so that none is older than another.</summary>
    public long Counter { get; init; } = 1;

    /// <summary>The boot key approves this boot, so that it gets the platform's key. Under Secure Boot only: otherwise anything could be the same state.</summary>
    public bool Approve { get; init; } = true;

    /// <summary>Called with the folder of what the system partition will hold, when all is signed: to measure it, and for tests to change it.</summary>
    public Action<string>? OnPartition { get; init; }

    /// <summary>Key of the boot manifest; otherwise the development key.</summary>
    public BootKeyPair? BootKey { get; init; }

    /// <summary>Where this host keeps the Secure Boot keys of its emulated machines.</summary>
    public static string KeyFolder => Path.Combine(BlackBoxPaths.Cache, "secure-boot");

    /// <summary>What the TPM of this user's emulated machines keeps.</summary>
    public static string HostTpm => Path.Combine(BlackBoxPaths.Cache, "tpm");

    public async Task<FirmwareFiles> PrepareAsync(FirmwareRequest request, string folder, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!File.Exists(Code))
        {
            throw new BlackBoxException($"{Code} does not exist", HostRequirements.AptCommand("qemu-efi-aarch64"));
        }

        var keys = await OpenKeysAsync(cancellation).ConfigureAwait(false);
        var application = request.Application;
        if (SignApplication)
        {
            application = Path.Combine(folder, "monitor.efi");
            await keys.SignAsync(request.Application, application, cancellation).ConfigureAwait(false);
        }

        var development = BootKey is null ? BootKeyPair.Development() : null;
        var root = Path.Combine(folder, "esp");
        try
        {
            var files = new BootFiles(request.Kernel, request.Initrd, request.CommandLine);
            var key = BootKey ?? development!;
            await SystemPartition.WriteFolderAsync(root, application, files, key, DateTimeOffset.UtcNow, Counter, cancellation).ConfigureAwait(false);
            if (SecureBoot && Approve)
            {
                var pcr4 = BootMeasurements.Pcr4(await File.ReadAllBytesAsync(application, cancellation).ConfigureAwait(false));
                await SystemPartition.WriteApprovalAsync(root, pcr4, BootMeasurements.Pcr7(keys), key, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            development?.Dispose();
        }

        OnPartition?.Invoke(root);
        var image = Path.Combine(folder, "esp.img");
        await SystemPartition.WriteImageAsync(root, image, cancellation).ConfigureAwait(false);
        Directory.Delete(root, recursive: true);
        var variables = Path.Combine(folder, "variables.fd");
        VariableStore.Write(variables, SecureBoot ? keys : null);
        return new FirmwareFiles(Code, variables, ReadOnlyVariables, image,
            HasTpm ? new TpmFiles(TpmState ?? Path.Combine(folder, "tpm-state"), Path.Combine(folder, "tpm")) : null);
    }

    // Two commands at a time must not make two sets.
    private static async Task<SecureBootKeys> OpenKeysAsync(CancellationToken cancellation)
    {
        using var held = await CacheLock.AcquireAsync(KeyFolder + ".lock", null, cancellation).ConfigureAwait(false);
        return SecureBootKeys.Open(KeyFolder);
    }
}
