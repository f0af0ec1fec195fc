using System.CommandLine;
using System.Security.Cryptography;
using BlackBox.Attestation;
using BlackBox.Boot;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox measure</c>: reference values from files alone.</summary>
internal static class MeasureCommand
{
    public static Command Create()
    {
        var monitor = new Option<string?>("--monitor") { Description = "Flat image of the monitor; shield.bin stands beside it (otherwise the one built here)", HelpName = "FILE" };
        var images = new Option<string[]>("--image") { Description = "A protected image that may run: OCI layout or archive. Repeatable", HelpName = "IMAGE" };
        var manifest = new Option<string?>("--boot-manifest") { Description = "The boot manifest (\\EFI\\BlackBox\\manifest)", HelpName = "FILE" };
        var platforms = new Option<string[]>("--platform") { Description = "Attestation key of a platform (PEM). Repeatable", HelpName = "KEY.pub" };
        var development = new Option<bool>("--development") { Description = "Accept development builds: their public key, no Secure Boot, nothing measured" };
        var output = new Option<string?>("--output", "-o") { Description = "Where the reference values go (otherwise standard output)", HelpName = "FILE" };
        var command = new Command("measure", "Computes from files what evidence of them must say, and writes it as reference values.") { monitor, images, manifest, platforms, development, output };
        command.SetAction((parsed, cancellation) =>
        {
            var file = parsed.GetValue(monitor) ?? Path.Combine(BlackBoxPaths.Repository, "artifacts", "images", "monitor.bin");
            var image = ReadFile(file, "build it: ./blackbox build");
            var isDevelopment = parsed.GetValue(development);
            List<byte[]> keys = [.. parsed.GetValue(platforms)!.Select(path => OpenKey(path).Public)];
            if (isDevelopment)
            {
                keys.Add(Convert.FromHexString(Evidence.DevelopmentKey));
            }

            var values = new ReferenceValues
            {
                Platforms = keys,
                Monitors = [MonitorMeasurement.Monitor(image)],
                BootManifests = parsed.GetValue(manifest) is { } path ? [SHA256.HashData(ReadFile(path, null))] : null,
                Shields = [MeasureShield(image, Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, "shield.bin"))],
                Images = [.. parsed.GetValue(images)!.Select(Measure)],
                RequireMeasured = !isDevelopment,
                RequireSecureBoot = !isDevelopment,
                RequireSealedKey = !isDevelopment,
                AllowDevelopmentKey = isDevelopment,
            };
            if (parsed.GetValue(output) is { } target)
            {
                File.WriteAllText(target, values.ToJson());
                Console.WriteLine(target);
            }
            else
            {
                Console.Write(values.ToJson());
            }

            return Task.FromResult(0);

            ReferenceImage Measure(string path)
            {
                using var opened = OpenedImage.Open(path, null, cancellation: cancellation);
                var stored = StoredImage.Read(opened.Content.Root);
                return new ReferenceImage
                {
                    Name = stored.Manifest.Name,
                    Manifest = stored.ManifestDigest,
                    Policy = stored.PolicyDigest,
                    Publisher = Convert.FromHexString(stored.PublisherDigest),
                    MinimumCounter = stored.Manifest.Counter,
                };
            }
        });
        return command.WithExamples("""
            Examples:
              ./blackbox measure --image redis.bb.tar --development -o reference.json
              ./blackbox measure --monitor monitor.bin --boot-manifest manifest --image redis.bb.tar --platform board.pub -o reference.json
            """);
    }

    private static byte[] ReadFile(string path, string? advice) =>
        File.Exists(path) ? File.ReadAllBytes(path) : throw new BlackBoxException($"there is no file {path}", advice);

    private static PlatformKey OpenKey(string path)
    {
        try
        {
            return PlatformKey.FromPem(path, File.ReadAllText(path));
        }
        catch (InvalidDataException error)
        {
            throw new BlackBoxException($"{path} is no platform's key: {error.Message}", null, error);
        }
    }

    private static byte[] MeasureShield(byte[] monitor, string shieldFile) =>
        MonitorMeasurement.Shield(monitor, ReadFile(shieldFile, "shield.bin is built together with monitor.bin"))
        ?? throw new BlackBoxException($"{shieldFile} is not the shield in the monitor", "take both from the same build");
}
