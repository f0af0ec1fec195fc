using System.CommandLine;
using System.Text.Json;
using BlackBox.Images;
using Spectre.Console;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox keys</c>: publishers' keys.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var command = new Command("keys", "The keys that images are signed with, and the platforms they can be made for.") { List(), Make(), Show(), BootKeyCommands.Boot(), BootKeyCommands.Enroll(), BootKeyCommands.Approve() };
        return command.WithExamples("""
            Examples:
              ./blackbox keys make                      the key that image build uses when none is named
              ./blackbox keys make release --key-dir /media/stick/keys
              ./blackbox keys list --json
              ./blackbox keys show release              public part and digest, for those who verify

            A key is a P-384 private key (PKCS #8, PEM, mode 0600) in ~/.config/blackbox/keys. Keep a copy: the content keys of
            images are derived from it.
            """);
    }

    public static Option<string?> KeyFolderOption() => new("--key-dir") { Description = "Folder of the keys (otherwise $BLACKBOX_KEYS or ~/.config/blackbox/keys)", HelpName = "FOLDER" };

    public static KeyStore Open(string? folder) => new(folder ?? KeyStore.DefaultFolder);

    private static Command List()
    {
        var folder = KeyFolderOption();
        var json = new Option<bool>("--json") { Description = "One JSON object on standard output" };
        var command = new Command("list", "Lists the keys.") { folder, json };
        command.SetAction(parsed =>
        {
            var store = Open(parsed.GetValue(folder));
            var keys = store.List().Select(name =>
            {
                using var key = store.Open(name);
                return (Name: name, Digest: Convert.ToHexStringLower(key.Digest));
            }).ToList();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(
                    new
                    {
                        store.Folder,
                        Publishers = keys.Select(key => new { key.Name, key.Digest, File = store.PathOf(key.Name) }),
                        Platforms = new[] { new { PlatformKey.Development.Name } },
                    },
                    ImageText.Json));
                return 0;
            }

            Console.WriteLine($"Keys in {store.Folder}:");
            var table = new Table().Border(TableBorder.Rounded).AddColumns("Publisher", "SHA-256 of the public key");
            keys.ForEach(key => table.AddRow(Markup.Escape(key.Name), key.Digest));
            if (keys.Count == 0)
            {
                Console.WriteLine("  none yet; image build makes one, or: ./blackbox keys make");
            }
            else
            {
                AnsiConsole.Write(table);
            }

            Console.WriteLine($"Platforms: {PlatformKey.Development.Name} (development builds of the monitor; its key is public)");
            return 0;
        });
        return command;
    }

    private static Command Make()
    {
        var name = new Argument<string>("name") { Description = "Name of the key", DefaultValueFactory = _ => KeyStore.DefaultName };
        var folder = KeyFolderOption();
        var command = new Command("make", "Makes a key. An existing one is never replaced.") { name, folder };
        command.SetAction(parsed =>
        {
            var store = Open(parsed.GetValue(folder));
            using var key = store.Create(parsed.GetValue(name)!);
            Console.WriteLine($"{store.PathOf(parsed.GetValue(name)!)}\n{Convert.ToHexStringLower(key.Digest)}");
            return 0;
        });
        return command;
    }

    private static Command Show()
    {
        var name = new Argument<string>("name") { Description = "Name of the key", DefaultValueFactory = _ => KeyStore.DefaultName };
        var folder = KeyFolderOption();
        var command = new Command("show", "Prints the public part (PEM) and its digest.") { name, folder };
        command.SetAction(parsed =>
        {
            using var key = Open(parsed.GetValue(folder)).Open(parsed.GetValue(name)!);
            Console.Write($"{key.ToPublicPem()}{Convert.ToHexStringLower(key.Digest)}\n");
            return 0;
        });
        return command;
    }
}
