using System.CommandLine;
using System.Text.Json;
using BlackBox.Images;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox image verify</c>. Exit codes: 0 good, 1 refused, 2 wrong use.</summary>
internal static class ImageVerifyCommand
{
    public static Command Create()
    {
        var image = ImageText.ImageArgument();
        var reference = ImageText.ReferenceOption();
        var publisher = new Option<string?>("--publisher") { Description = "Accept only this publisher: a key's name, or the SHA-256 of its public key", HelpName = "NAME|SHA256" };
        var folder = KeysCommand.KeyFolderOption();
        var contentKey = new Option<string?>("--content-key") { Description = "File with the content key, when no platform known here opens the image", HelpName = "FILE" };
        var noDecrypt = new Option<bool>("--no-decrypt") { Description = "Check all but the contents; needs no key, so name the publisher" };
        var json = ImageText.JsonOption();
        var command = new Command("verify", "Checks a protected image: signature, file table, tags, and every file by decrypting it. Exit code 0: good; 1: refused, with file and reason; 2: wrong use.")
        {
            image, reference, publisher, folder, contentKey, noDecrypt, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = new VerificationOptions
            {
                Publisher = parsed.GetValue(publisher) is { } wanted ? DigestOf(wanted, KeysCommand.Open(parsed.GetValue(folder))) : null,
                ContentKey = parsed.GetValue(contentKey) is { } file ? KeyStore.ReadContentKey(file) : null,
                Decrypt = !parsed.GetValue(noDecrypt),

                // An unpacked image belongs to whoever unpacked it.
                CompareOwners = !Directory.Exists(parsed.GetValue(image)) || File.Exists(Path.Combine(parsed.GetValue(image)!, "oci-layout")),
            };
            if (!Path.Exists(parsed.GetValue(image)))
            {
                await Console.Error.WriteLineAsync($"blackbox: there is no image {parsed.GetValue(image)}").ConfigureAwait(false);
                return 2;
            }

            var verified = await StepDisplay.RunAsync(progress =>
            {
                using var opened = OpenedImage.Open(parsed.GetValue(image)!, parsed.GetValue(reference), progress: progress, cancellation: cancellation);
                return Task.FromResult(ImageVerifier.Verify(opened.Content.Root, options, progress, cancellation));
            }).ConfigureAwait(false);
            Report(verified, options, parsed.GetValue(json));
            return 0;
        });
        return command.WithExamples("""
            Examples:
              ./blackbox image verify redis.bb
              ./blackbox image verify redis.bb.tar --publisher release
            """);
    }

    private static byte[] DigestOf(string wanted, KeyStore store)
    {
        if (wanted.Length == 64 && wanted.All(char.IsAsciiHexDigit))
        {
            return Convert.FromHexString(wanted);
        }

        using var key = store.Open(wanted);
        return key.Digest;
    }

    private static void Report(VerifiedImage image, VerificationOptions options, bool json)
    {
        var publisher = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(image.Manifest.Publisher));
        var decrypted = image.Plain is not null;
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { Good = true, image.Manifest.Name, image.Manifest.Counter, Publisher = publisher, Listed = image.Records.Count, Decrypted = decrypted },
                ImageText.Json));
            return;
        }

        Console.WriteLine($"good: {image.Manifest.Name}, version counter {image.Manifest.Counter}, {image.Records.Count} files listed, contents {(decrypted ? "decrypted" : "not looked at")}\n  publisher {publisher}");
        if (!decrypted && options.Publisher is null)
        {
            Console.WriteLine("  Whose key this is was not checked: name the publisher you expect with --publisher.");
        }
    }
}
