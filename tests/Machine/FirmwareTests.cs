using System.Security.Cryptography;
using System.Text.Json.Nodes;
using BlackBox.Attestation;
using BlackBox.Boot;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;
using BlackBox.Tools.Tests;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>The boot chain of docs/boot.md: firmware with Secure Boot, the signed monitor, what the signed manifest names.</summary>
public sealed class FirmwareTests
{
    private const int MiddleOfKernel = 16 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_signed_monitor_starts_under_Secure_Boot_measured_and_protects_a_container()
    {
        var guest = await Guests.EnvironmentAsync();
        using var image = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: true, Cancellation);
        using var tpm = new TemporaryFolder();
        var lines = new List<string>();
        var first = new Foretold();
        byte[] qualifier;
        await using (var machine = await StartAsync(first.Of(new SignedFirmware { TpmState = tpm.Location, Counter = 2 }), lines, new Container("one", image.Content, ["-c", "ls / | sort | head -2; exit 5"])))
        {
            var result = await machine.ExecuteAsync("blackbox-runtime run --bundle /containers/one one", TimeSpan.FromMinutes(3), cancellation: Cancellation);
            Assert.Equal(("bin\ndev\n", 5), (result.Output, result.ExitCode));

            Assert.Contains("blackbox: Secure Boot is on", lines);
            Assert.Contains("blackbox: measured into PCR 12 of the TPM", lines);
            Assert.Contains("blackbox: the platform's key is that of this TPM", lines);
            Assert.DoesNotContain(lines, line => line.Contains("NOT CONFINED", StringComparison.Ordinal));

            // Linux was started at EL1, without the firmware, and finds nothing of what the monitor hides.
            Assert.Equal("2\n", await machine.RunAsync("nproc"));
            Assert.Equal("", await machine.RunAsync("ls -d /sys/firmware/efi /proc/device-tree/flash* /proc/device-tree/fw-cfg* /proc/device-tree/smmu* /proc/device-tree/virtio_mmio* /proc/device-tree/*platform* /dev/tpm* 2>/dev/null || true"));
            await CheckTpmIsOutOfReachAsync(machine);
            qualifier = first.Check(await machine.RunAsync("blackbox-runtime platform"));
        }

        // Another manifest, approved like the first: the same key.
        lines.Clear();
        var second = new Foretold();
        await using (var machine = await StartAsync(second.Of(new SignedFirmware { TpmState = tpm.Location, Counter = 3 }), lines))
        {
            Assert.Contains("blackbox: the platform's key is that of this TPM", lines);
            Assert.Equal(qualifier, second.Check(await machine.RunAsync("blackbox-runtime platform")));
        }

        // An older manifest, approved like the others.
        var message = await RefusedAsync(new SignedFirmware { TpmState = tpm.Location, Counter = 2 });
        Assert.Contains(@"blackbox: BOOT REFUSED: \EFI\BlackBox\manifest: its counter is lower", message, StringComparison.Ordinal);

        // Another manifest with the approval of the second: another key, that of every development build.
        lines.Clear();
        var last = new Foretold { Approval = second.Approval };
        await using (var machine = await StartAsync(last.Of(new SignedFirmware { TpmState = tpm.Location, Counter = 3 }), lines))
        {
            Assert.Contains($"blackbox: the platform's key stays SEALED, because the boot key has not approved this state: {Convert.ToHexStringLower(last.State)}", lines);
            Assert.NotEqual(qualifier, last.Check(await machine.RunAsync("blackbox-runtime platform")));
        }
    }

    [Fact]
    public async Task Without_Secure_Boot_a_development_build_starts_and_says_so()
    {
        var lines = new List<string>();
        await using var machine = await Guests.StartAsync(await OptionsAsync(new SignedFirmware { SecureBoot = false, SignApplication = false, HasTpm = false }, lines));
        Assert.Contains(lines, line => line.StartsWith("blackbox: NOT MEASURED", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("blackbox: SECURE BOOT OFF", StringComparison.Ordinal));
    }

    /// <summary>A build with a boot key of the owner's own starts under Secure Boot and for an approved state only, and never goes back to an older image.</summary>
    [Fact]
    public async Task A_monitor_of_an_owner_needs_Secure_Boot_and_approval_and_refuses_an_older_image()
    {
        var guest = await Guests.EnvironmentAsync();
        var build = new ProductBuild(guest.Kernel, NoProgress.Instance);
        using var key = await HostBootKey.OpenAsync(Cancellation);
        var monitor = await build.OwnedMonitorAsync(key.Source, Cancellation);
        using var tpm = new TemporaryFolder();
        async Task<MachineOptions> OptionsAsync(SignedFirmware firmware) => (await FirmwareTests.OptionsAsync(firmware, [])) with { Monitor = monitor };

        Assert.Contains("blackbox: BOOT REFUSED: firmware: Secure Boot is off", await RefusedAsync(await OptionsAsync(new SignedFirmware { BootKey = key.Pair, SecureBoot = false })), StringComparison.Ordinal);
        Assert.Contains(@"blackbox: BOOT REFUSED: \EFI\BlackBox\approval: it does not fit", await RefusedAsync(await OptionsAsync(new SignedFirmware { BootKey = key.Pair, Approve = false })), StringComparison.Ordinal);
        Assert.Contains(@"blackbox: BOOT REFUSED: \EFI\BlackBox\manifest: its signature", await RefusedAsync(await OptionsAsync(new SignedFirmware())), StringComparison.Ordinal);

        PlatformKey platform;
        var firmware = new SignedFirmware { BootKey = key.Pair, TpmState = tpm.Location };
        await using (var machine = await ContainerMachine.StartAsync(await OptionsAsync(firmware), [], guest, build, NoProgress.Instance, Cancellation))
        {
            platform = PlatformKey.FromPublic("", PlatformStatement.Parse(await machine.RunAsync("blackbox-runtime platform")).UnwrappingKey);
        }

        using var shell = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: false, Cancellation);
        using var publisher = PublisherKey.Create();
        var content = shell.Content with { Configuration = shell.Content.Configuration with { Protection = new ProtectionRules(FreedomRule.Free, FreedomRule.Fixed) } };
        ImageContent Version(ulong counter, PlatformKey target) => ImageProtector.Protect(
            content, new ProtectionOptions { Counter = counter, Platforms = [target] }, publisher, NoProgress.Instance, Cancellation).Content;
        var (older, newer) = (Version(4, platform), Version(5, platform));
        var stored = StoredImage.Read(newer.Root);
        Container[] containers =
        [
            new("newer", newer, ["-c", "echo newer"]), new("older", older, ["-c", "echo older"]),
            new("foreign", Version(5, PlatformKey.Development), ["-c", "echo foreign"]),
        ];
        var options = await OptionsAsync(firmware) with { KernelArguments = [$"blackbox.images={stored.PublisherDigest}:{stored.Manifest.Name}:5"] };
        var lines = new List<string>();
        await using (var machine = await ContainerMachine.StartAsync(options with { OnConsoleLine = lines.Add }, containers, guest, build, NoProgress.Instance, Cancellation))
        {
            var started = await machine.ExecuteAsync("blackbox-runtime run --bundle /containers/newer newer", TimeSpan.FromMinutes(3), cancellation: Cancellation);
            Assert.True(started.Output == "newer\n", $"{started.Output}\n{string.Join('\n', lines.TakeLast(5))}");
            foreach (var (name, reason) in ((string, string)[])[("older", "older than the owner of the machine accepts"), ("foreign", "holds no key for this platform")])
            {
                var result = await machine.ExecuteAsync($"blackbox-runtime run --bundle /containers/{name} {name}", TimeSpan.FromMinutes(3), cancellation: Cancellation);
                Assert.False(result.Succeeded);
                Assert.DoesNotContain(name + "\n", result.Output, StringComparison.Ordinal);
                Assert.Contains(lines, line => line.Contains(reason, StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task Firmware_refuses_an_unsigned_monitor()
    {
        var message = await RefusedAsync(new SignedFirmware { SignApplication = false, ReadOnlyVariables = false });
        Assert.Contains("Access Denied", message, StringComparison.Ordinal);
        Assert.DoesNotContain("blackbox: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Firmware_refuses_a_monitor_that_was_changed_after_it_was_signed()
    {
        var message = await RefusedAsync(new SignedFirmware
        {
            ReadOnlyVariables = false,
            OnPartition = root =>
            {
                var path = Path.Combine(root, SystemPartition.Application);
                var content = File.ReadAllBytes(path);
                content[content.Length / 2] ^= 1;
                File.WriteAllBytes(path, content);
            },
        });
        Assert.Contains("Access Denied", message, StringComparison.Ordinal);
        Assert.DoesNotContain("blackbox: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Firmware_refuses_a_monitor_that_somebody_else_has_signed()
    {
        using var folder = new TemporaryFolder();
        var options = await OptionsAsync(new SignedFirmware(), []);
        var message = await RefusedAsync(new SignedFirmware
        {
            ReadOnlyVariables = false,
            OnPartition = root => SecureBootKeys.Open(Path.Combine(folder.Location, "keys"))
                .SignAsync(options.Monitor!, Path.Combine(root, SystemPartition.Application), Cancellation).GetAwaiter().GetResult(),
        });
        Assert.Contains("Access Denied", message, StringComparison.Ordinal);
        Assert.DoesNotContain("blackbox: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kernel")]
    [InlineData("initrd")]
    [InlineData("cmdline")]
    [InlineData("manifest")]
    public async Task The_monitor_refuses_a_changed_file_and_names_it(string name)
    {
        var message = await RefusedAsync(new SignedFirmware
        {
            OnPartition = root =>
            {
                // One bit, where nothing else would notice: the rest of the file is what was signed.
                var path = Path.Combine(root, SystemPartition.Folder, name);
                var content = File.ReadAllBytes(path);
                content[name == "kernel" ? MiddleOfKernel : content.Length - 1] ^= 1;
                File.WriteAllBytes(path, content);
            },
        });
        Assert.Contains($"blackbox: BOOT REFUSED: \\EFI\\BlackBox\\{name}: ", message, StringComparison.Ordinal);
        Assert.DoesNotContain("monitor at EL2", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_monitor_refuses_a_manifest_of_another_key()
    {
        using var key = BootKeyPair.Create();
        var message = await RefusedAsync(new SignedFirmware { BootKey = key });
        Assert.Contains(@"blackbox: BOOT REFUSED: \EFI\BlackBox\manifest: ", message, StringComparison.Ordinal);
    }

    // A page of the TPM's registers (QEMU's platform bus) by way of /dev/mem: the monitor refuses, and says so.
    private static async Task CheckTpmIsOutOfReachAsync(EmulatedMachine machine)
    {
        var result = await machine.ExecuteAsync("busybox devmem 0xc000000 32 2>&1", cancellation: Cancellation);
        Assert.Equal(("", 128 + 7), (result.Output.Replace("Bus error", "", StringComparison.Ordinal).Trim(), result.ExitCode));
        Assert.Contains("\"argument\":\"0xc000000\"", await machine.RunAsync("blackbox-runtime audit"), StringComparison.Ordinal);
    }

    private static async Task<EmulatedMachine> StartAsync(SignedFirmware firmware, List<string> lines, params Container[] containers)
    {
        var guest = await Guests.EnvironmentAsync();
        return await ContainerMachine.StartAsync(
            await OptionsAsync(firmware, lines), containers, guest, new ProductBuild(guest.Kernel, NoProgress.Instance), NoProgress.Instance, Cancellation);
    }

    private static async Task<string> RefusedAsync(SignedFirmware firmware) => await RefusedAsync(await OptionsAsync(firmware, []));

    private static async Task<string> RefusedAsync(MachineOptions options)
    {
        var error = await Assert.ThrowsAsync<BlackBoxException>(async () =>
        {
            await using var machine = await EmulatedMachine.StartAsync(options, await Guests.EnvironmentAsync(), Cancellation);
        });
        return error.Message;
    }

    private static async Task<MachineOptions> OptionsAsync(SignedFirmware firmware, List<string> lines)
    {
        var guest = await Guests.EnvironmentAsync();
        return new MachineOptions
        {
            Monitor = await new ProductBuild(guest.Kernel, NoProgress.Instance).UefiMonitorAsync(Cancellation),
            Firmware = firmware,
            BootTimeout = TimeSpan.FromMinutes(2),
            OnConsoleLine = lines.Add,
        };
    }

    /// <summary>What one boot must be, from the files on its system partition.</summary>
    private sealed class Foretold
    {
        /// <summary>The approval; set before the boot, it replaces the one that was made for it.</summary>
        public byte[]? Approval { get; set; }

        public byte[] State { get; private set; } = [];

        private byte[] Pcr4 { get; set; } = [];

        private byte[] Pcr12 { get; set; } = [];

        public SignedFirmware Of(SignedFirmware firmware) => new() { TpmState = firmware.TpmState, Counter = firmware.Counter, OnPartition = Look };

        /// <summary>Compares with what the TPM has said.</summary>
        /// <returns>digest of the platform's public signing key</returns>
        public byte[] Check(string json)
        {
            var statement = PlatformStatement.Parse(json);
            var registers = statement.Endorsement.Registers;
            Assert.Equal(Pcr4, registers[4]);
            Assert.Equal(BootMeasurements.Pcr7(SecureBootKeys.Open(SignedFirmware.KeyFolder)), registers[7]);
            Assert.Equal(Pcr12, registers[12]);
            ReferenceTpm Expected(int register, byte[] value) => new() { AttestationKeys = [statement.TpmKeyDigest], Registers = new Dictionary<int, byte[]> { [register] = value } };
            Assert.Null(statement.Endorsement.Check(statement.AttestationKey, statement.UnwrappingKey, Expected(12, Pcr12)));
            Assert.Contains("register 12", statement.Endorsement.Check(statement.AttestationKey, statement.UnwrappingKey, Expected(12, Pcr4)), StringComparison.Ordinal);
            Assert.Contains("another platform", statement.Endorsement.Check(statement.UnwrappingKey, statement.AttestationKey, Expected(12, Pcr12)), StringComparison.Ordinal);

            // Each part of it, changed.
            var parts = JsonNode.Parse(json)!.AsObject();
            foreach (var name in (string[])["quote", "signature", "key", "keys", "log"])
            {
                var other = parts.DeepClone().AsObject();
                var bytes = Convert.FromBase64String((string)other[name]!);
                bytes[^1] ^= 1;
                other[name] = Convert.ToBase64String(name == "log" ? bytes[..(bytes.Length / 2)] : bytes);
                Assert.Throws<FormatException>(() => PlatformStatement.Parse(other.ToJsonString()));
                other[name] = null;
                Assert.Throws<FormatException>(() => PlatformStatement.Parse(other.ToJsonString()));
            }

            return SHA256.HashData([.. statement.AttestationKey, .. statement.UnwrappingKey]);
        }

        private void Look(string root)
        {
            var folder = Path.Combine(root, SystemPartition.Folder);
            Pcr4 = BootMeasurements.Pcr4(File.ReadAllBytes(Path.Combine(root, SystemPartition.Application)));
            Pcr12 = BootMeasurements.Pcr12Async(folder, Cancellation).GetAwaiter().GetResult();
            State = BootApproval.State(Pcr4, BootMeasurements.Pcr7(SecureBootKeys.Open(SignedFirmware.KeyFolder)), Pcr12);
            var approval = Path.Combine(folder, SystemPartition.Approval);
            if (Approval is null)
            {
                Approval = File.ReadAllBytes(approval);
            }
            else
            {
                File.WriteAllBytes(approval, Approval);
            }
        }
    }
}
