using BlackBox.Boot;
using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>The boot chain of docs/boot.md: firmware with Secure Boot, the signed monitor, what the signed manifest names.</summary>
public sealed class FirmwareTests
{
    private const int MiddleOfKernel = 16 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_signed_monitor_starts_under_Secure_Boot_and_protects_a_container()
    {
        var guest = await Guests.EnvironmentAsync();
        var build = new ProductBuild(guest.Kernel, NoProgress.Instance);
        using var image = await new ImageSource(guest, NoProgress.Instance).OpenAsync("shell", null, wantProtected: true, Cancellation);
        var lines = new List<string>();
        await using var machine = await ContainerMachine.StartAsync(
            await OptionsAsync(new SignedFirmware(), lines), [new Container("one", image.Content, ["-c", "ls / | sort | head -2; exit 5"])], guest, build, NoProgress.Instance, Cancellation);
        var result = await machine.ExecuteAsync("blackbox-runtime run --bundle /containers/one one", TimeSpan.FromMinutes(3), cancellation: Cancellation);
        Assert.Equal(("bin\ndev\n", 5), (result.Output, result.ExitCode));

        Assert.Contains("blackbox: Secure Boot is on", lines);
        Assert.Contains("blackbox: the TPM has signed what was measured", lines);
        File.WriteAllText("/tmp/bb/wt-t-x/platform.json", await machine.RunAsync("blackbox-runtime platform"));
        Assert.DoesNotContain(lines, line => line.Contains("NOT CONFINED", StringComparison.Ordinal));

        // Linux was started at EL1, without the firmware, and finds nothing of what the monitor hides.
        Assert.Equal("2\n", await machine.RunAsync("nproc"));
        Assert.Equal("", await machine.RunAsync("ls -d /sys/firmware/efi /proc/device-tree/flash* /proc/device-tree/fw-cfg* /proc/device-tree/smmu* /proc/device-tree/virtio_mmio* 2>/dev/null || true"));
    }

    [Fact]
    public async Task Without_Secure_Boot_a_development_build_starts_and_says_so()
    {
        var lines = new List<string>();
        await using var machine = await Guests.StartAsync(await OptionsAsync(new SignedFirmware { SecureBoot = false, SignApplication = false }, lines));
        Assert.Contains(lines, line => line.StartsWith("blackbox: SECURE BOOT OFF", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Firmware_refuses_an_unsigned_monitor()
    {
        var message = await RefusedAsync(new SignedFirmware { SignApplication = false, ReadOnlyVariables = false });
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
            Tamper = root =>
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

    private static async Task<string> RefusedAsync(SignedFirmware firmware)
    {
        var options = await OptionsAsync(firmware, []);
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
}
