using System.CommandLine;
using BlackBox.Boot;
using BlackBox.Hosting;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox keys boot</c> and <c>blackbox keys enroll</c>: the keys of the boot chain (docs/boot.md).</summary>
internal static class BootKeyCommands
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>A key for boot manifests, and the source that a monitor is built with to trust it.</summary>
    public static Command Boot()
    {
        var folder = new Option<string>("--out") { Description = "Folder for boot.pem (private) and BootKey.cs", HelpName = "FOLDER", Required = true };
        var command = new Command("boot", "Makes a key for boot manifests. A monitor built with its BootKey.cs starts under Secure Boot only.") { folder };
        command.SetAction(parsed =>
        {
            var target = parsed.GetValue(folder)!;
            var file = Path.Combine(target, "boot.pem");
            if (File.Exists(file))
            {
                throw new BlackBoxException($"{file} exists already", "a key is never replaced; choose another folder");
            }

            Directory.CreateDirectory(target);
            using var key = BootKeyPair.Create();
            using (var stream = new FileStream(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
            using (var writer = new StreamWriter(stream))
            {
                writer.Write(key.ToPem());
            }

            var source = Path.GetFullPath(Path.Combine(target, "BootKey.cs"));
            File.WriteAllText(source, key.ToSource());
            Console.WriteLine($"{file}\n{source}\nBuild the monitor with it: dotnet build src/Monitor/UefiImage -c Release -p:BootKey={source}");
            return 0;
        });
        return command;
    }

    /// <summary>Files to enrol a board's Secure Boot keys with.</summary>
    public static Command Enroll()
    {
        var folder = KeyFolder();
        var output = new Option<string>("--out") { Description = "Folder for PK, KEK and db as .cer, .esl and .auth", HelpName = "FOLDER", Required = true };
        var command = new Command("enroll", "Prepares the files with which Secure Boot keys are enrolled in a board's firmware; makes the keys if there are none.") { folder, output };
        command.SetAction(async (parsed, cancellation) =>
        {
            var keys = SigningInputs.OpenSecureBootKeys(parsed.GetValue(folder)!, DateTimeOffset.UtcNow);
            await keys.WriteEnrolmentAsync(parsed.GetValue(output)!, cancellation).ConfigureAwait(false);
            Console.WriteLine($"Keys in {keys.Folder}: keep them. Enrol from {parsed.GetValue(output)}: db, then KEK, then PK, which ends setup mode.");
            return 0;
        });
        return command;
    }

    /// <summary>Lets a state of a machine have the platform's key.</summary>
    public static Command Approve()
    {
        var state = new Option<string>("--state") { Description = "The state, as the monitor's line about the sealed key prints it", HelpName = "HEX", Required = true };
        var bootKey = new Option<string?>("--boot-key") { Description = "Private boot key (default: the development key, which everybody has)", HelpName = "FILE" };
        var output = new Option<string>("--out") { Description = $"Where the approval goes: {SystemPartition.Folder}/{SystemPartition.Approval} on the EFI system partition", HelpName = "FILE", Required = true };
        var command = new Command("approve", "Approves a state of a machine (monitor, Secure Boot's keys, boot manifest), so that its TPM gives the platform's key to it.") { state, bootKey, output };
        command.SetAction(parsed =>
        {
            using var key = SigningInputs.OpenBootKey(parsed.GetValue(bootKey));
            try
            {
                File.WriteAllBytes(parsed.GetValue(output)!, BootApproval.Create(Convert.FromHexString(parsed.GetValue(state)!), key));
            }
            catch (FormatException error)
            {
                throw new BlackBoxException("the state is not hexadecimal", null, error);
            }

            return 0;
        });
        return command;
    }

    /// <summary>Where the Secure Boot keys are; by default those of this host's emulated machines.</summary>
    public static Option<string> KeyFolder() => new("--secure-boot-keys") { Description = "Folder of the Secure Boot keys", HelpName = "FOLDER", DefaultValueFactory = _ => SignedFirmware.KeyFolder };
}
