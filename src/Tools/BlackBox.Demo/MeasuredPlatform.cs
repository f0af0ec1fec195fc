using System.Security.Cryptography;
using BlackBox.Attestation;
using BlackBox.Boot;
using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Demo;

/// <summary>
/// The platform of the demonstration: a machine with Secure Boot and a TPM of its own, which starts nothing but this host's signed monitor. It is asked for its keys
/// once; from then on its word counts only as far as this host has foretold it from files.
/// </summary>
internal sealed class MeasuredPlatform : IDisposable
{
    private const string Step = "Platform";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("blackbox-demo-tpm-");
    private readonly HostBootKey _key;
    private readonly string _flatMonitor;
    private Dictionary<int, byte[]> _registers = [];
    private byte[] _manifest = [];

    private MeasuredPlatform(HostBootKey key, string application, string flatMonitor) => (_key, Application, _flatMonitor) = (key, application, flatMonitor);

    /// <summary>The monitor as a UEFI application.</summary>
    public string Application { get; }

    /// <summary>What images are to be wrapped for; known once the platform is enrolled.</summary>
    public PlatformKey Key { get; private set; } = null!;

    /// <summary>Its keys are known.</summary>
    public bool IsEnrolled => Key is not null;

    private byte[] TpmKeyDigest { get; set; } = [];

    /// <summary>Builds the monitor with this host's boot key.</summary>
    public static async Task<MeasuredPlatform> CreateAsync(ProductBuild build, CancellationToken cancellation)
    {
        var flat = await build.MonitorAsync(cancellation).ConfigureAwait(false);
        var key = await HostBootKey.OpenAsync(cancellation).ConfigureAwait(false);
        try
        {
            return new MeasuredPlatform(key, await build.OwnedMonitorAsync(key.Source, cancellation).ConfigureAwait(false), flat);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Options with which a machine is this platform. For one machine at a time.</summary>
    public MachineOptions With(MachineOptions options) => options with
    {
        Monitor = Application,
        Firmware = new SignedFirmware { TpmState = Path.Combine(_folder.FullName, "state"), BootKey = _key.Pair, OnPartition = Measure },
        BootTimeout = TimeSpan.FromMinutes(4),
    };

    /// <summary>Boots it for the first time and takes down its TPM's key and its own. The one moment that needs trust in the way there; what was started is compared already.</summary>
    /// <exception cref="BlackBoxException">It does not come up, or not as foretold.</exception>
    public async Task EnrolAsync(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        progress.Report(new StepUpdate(Step, 0, "first boot through firmware and TPM"));
        var machine = await Containers.ContainerMachine.StartAsync(With(new MachineOptions()), [], guest, build, progress, cancellation).ConfigureAwait(false);
        await using (machine.ConfigureAwait(false))
        {
            var said = await AskAsync(machine, cancellation).ConfigureAwait(false);
            TpmKeyDigest = said.TpmKeyDigest;
            Key = PlatformKey.FromPublic("demo", said.UnwrappingKey);
            if (said.Endorsement.Check(said.AttestationKey, said.UnwrappingKey, Tpm()) is { } wrong)
            {
                throw new BlackBoxException($"the platform was not started as this host has signed it: {wrong}");
            }

            await machine.ShutDownAsync().ConfigureAwait(false);
        }

        progress.Report(new StepUpdate(Step, 1, "its TPM has signed what was started"));
    }

    /// <summary>Verifies evidence of a container of the machine that runs now.</summary>
    /// <param name="content">the image that the container must be</param>
    public async Task<Verdict> VerifyAsync(byte[] evidence, byte[] nonce, ImageContent content, EmulatedMachine machine, CancellationToken cancellation)
    {
        var said = await AskAsync(machine, cancellation).ConfigureAwait(false);
        var monitor = await File.ReadAllBytesAsync(_flatMonitor, cancellation).ConfigureAwait(false);
        var shield = await File.ReadAllBytesAsync(Path.Combine(Path.GetDirectoryName(_flatMonitor)!, "shield.bin"), cancellation).ConfigureAwait(false);
        var stored = StoredImage.Read(content.Root);
        var reference = new ReferenceValues
        {
            Tpm = Tpm(),
            Monitors = [MonitorMeasurement.Monitor(monitor)],
            BootManifests = [_manifest],
            Shields = [MonitorMeasurement.Shield(monitor, shield) ?? throw new BlackBoxException("shield.bin is not the shield in monitor.bin")],
            Images = [new ReferenceImage { Name = stored.Manifest.Name, Manifest = stored.ManifestDigest, Policy = stored.PolicyDigest, MinimumCounter = stored.Manifest.Counter }],
        };
        return EvidenceVerifier.Verify(evidence, reference, new Expectation { Nonce = nonce, Endorsement = said.Endorsement });
    }

    public void Dispose()
    {
        _key.Dispose();
        _folder.Delete(recursive: true);
    }

    private ReferenceTpm Tpm() => new() { AttestationKeys = [TpmKeyDigest], Registers = _registers };

    private static async Task<PlatformStatement> AskAsync(EmulatedMachine machine, CancellationToken cancellation)
    {
        var result = await machine.ExecuteAsync("blackbox-runtime platform", cancellation: cancellation).ConfigureAwait(false);
        try
        {
            return PlatformStatement.Parse(result.Output);
        }
        catch (FormatException error)
        {
            throw new BlackBoxException($"the platform's TPM has given no usable word: {error.Message}", null, error);
        }
    }

    // What the boot of these files must lead to.
    private void Measure(string partition)
    {
        var folder = Path.Combine(partition, SystemPartition.Folder);
        _manifest = SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "manifest")));
        _registers = new Dictionary<int, byte[]>
        {
            [4] = BootMeasurements.Pcr4(File.ReadAllBytes(Path.Combine(partition, SystemPartition.Application))),
            [7] = BootMeasurements.Pcr7(SecureBootKeys.Open(SignedFirmware.KeyFolder)),
            [12] = BootMeasurements.Pcr12Async(folder, CancellationToken.None).GetAwaiter().GetResult(),
        };
    }
}
