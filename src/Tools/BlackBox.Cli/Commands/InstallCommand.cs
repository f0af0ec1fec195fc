using System.CommandLine;
using System.Text.Json;
using BlackBox.Boot;
using BlackBox.Building;
using BlackBox.Hosting;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox install</c>: the signed monitor and what it starts, on an EFI system partition.</summary>
internal static class InstallCommand
{
    public static Command Create()
    {
        var command = new Command("install", "Writes the signed monitor, kernel, initial RAM disk, command line and the signed boot manifest to a mounted EFI system partition.").WithExamples("""
            Example:
              ./blackbox install --esp /boot/efi --kernel /boot/vmlinuz --initrd /boot/initrd.img --append 'console=ttyAMA0 root=/dev/sda2' \
                  --boot-key keys/boot.pem --monitor artifacts/images/monitor.efi --secure-boot-keys keys/secure-boot
            """);
        var esp = new Option<string>("--esp") { Description = "Where the EFI system partition is mounted", HelpName = "FOLDER", Required = true };
        var kernel = new Option<string>("--kernel") { Description = "Kernel (arm64 Image)", HelpName = "FILE", Required = true };
        var initrd = new Option<string>("--initrd") { Description = "Initial RAM disk", HelpName = "FILE", Required = true };
        var append = new Option<string>("--append") { Description = "The kernel's command line", HelpName = "WORDS", DefaultValueFactory = _ => "" };
        var bootKey = new Option<string?>("--boot-key") { Description = "Private key for the manifest (default: the development key, which everybody has)", HelpName = "FILE" };
        var monitor = new Option<string?>("--monitor") { Description = "The monitor (default: the development build)", HelpName = "FILE" };
        var counter = new Option<long?>("--counter") { Description = "Counter of the manifest: a machine with a TPM refuses manifests with a lower one than it has started (default: the time)", HelpName = "N" };
        var platform = new Option<string?>("--platform") { Description = "What `blackbox-runtime platform` said on this machine: the boot is approved in advance, so that it gets the platform's key (docs/boot.md)", HelpName = "FILE" };
        var oldest = OldestImages.Option();
        var keys = BootKeyCommands.KeyFolder();
        foreach (var option in (Option[])[esp, kernel, initrd, append, bootKey, monitor, counter, platform, oldest, keys])
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancellation) =>
        {
            var root = parsed.GetValue(esp)!;
            var files = new BootFiles(parsed.GetValue(kernel)!, parsed.GetValue(initrd)!, OldestImages.Append(parsed.GetValue(append)!, parsed.GetValue(oldest)!, cancellation));
            if (((string[])[files.Kernel, files.Initrd]).FirstOrDefault(file => !File.Exists(file)) is { } missing)
            {
                throw new BlackBoxException($"{missing} does not exist");
            }

            if (!Directory.Exists(root))
            {
                throw new BlackBoxException($"{root} does not exist", "mount the EFI system partition there");
            }

            // Before the monitor is built and anything is written.
            using var key = SigningInputs.OpenBootKey(parsed.GetValue(bootKey));
            var secureBoot = SigningInputs.OpenSecureBootKeys(parsed.GetValue(keys)!, DateTimeOffset.UtcNow);
            if (parsed.GetValue(monitor) is { } given && !File.Exists(given))
            {
                throw new BlackBoxException($"{given} does not exist");
            }

            var application = parsed.GetValue(monitor) ?? await StepDisplay.RunAsync(async progress =>
            {
                var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
                return await new ProductBuild(guest.Kernel, progress).UefiMonitorAsync(cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            var signed = Path.GetTempFileName();
            try
            {
                await secureBoot.SignAsync(application, signed, cancellation).ConfigureAwait(false);
                File.Delete(Path.Combine(root, SystemPartition.Folder, SystemPartition.Approval));    // of another boot
                await SystemPartition.WriteFolderAsync(root, signed, files, key, DateTimeOffset.UtcNow, parsed.GetValue(counter) ?? DateTimeOffset.UtcNow.ToUnixTimeSeconds(), cancellation).ConfigureAwait(false);
                if (parsed.GetValue(platform) is { } said)
                {
                    var log = ReadLog(said);
                    var digest = BootMeasurements.ApplicationDigest(await File.ReadAllBytesAsync(signed, cancellation).ConfigureAwait(false));
                    await SystemPartition.WriteApprovalAsync(root, log.Replay(4, digest), log.Replay(7), key, cancellation).ConfigureAwait(false);
                }
            }
            finally
            {
                File.Delete(signed);
            }

            Console.WriteLine($"Written: {SystemPartition.Application} and {SystemPartition.Folder}/ in {root}");
            if (parsed.GetValue(bootKey) is null)
            {
                Console.WriteLine("Signed with the development key: anybody can make another manifest that this monitor starts.");
            }

            return 0;
        });
        return command;
    }

    private static EventLog ReadLog(string file)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            return EventLog.Read(json.RootElement.GetProperty("log").GetBytesFromBase64());
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new BlackBoxException($"{file} has no event log", "write it on that machine with: blackbox-runtime platform", error);
        }
    }
}
