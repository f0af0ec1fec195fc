using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BlackBox.Emulation;
using BlackBox.Hosting;
using BlackBox.Images;
using BlackBox.Recipes;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox image build</c>, the same as <c>build_bb_image</c>.</summary>
internal static class ImageBuildCommand
{
    public static Command Create()
    {
        var input = new Argument<string>("input") { Description = "OCI layout, OCI or docker archive, folder with a root file system, recipe file, or name of a recipe" };
        var output = new Option<string>("--output", "-o") { Description = "What to write: an archive if the name ends in .tar, else a folder", HelpName = "PATH", Required = true };
        var reference = ImageText.ReferenceOption();
        var name = new Option<string?>("--name") { Description = "Name of the image in the manifest", HelpName = "NAME" };
        var counter = new Option<ulong>("--counter") { Description = "Version counter, higher for each release", HelpName = "N", DefaultValueFactory = _ => 1 };
        var encrypt = new Option<EncryptionScope>("--encrypt") { Description = "all: every regular file; elf: programs, libraries and scripts, the other files stay readable", HelpName = "all|elf", DefaultValueFactory = _ => EncryptionScope.All };
        var writable = new Option<string[]>("--writable") { Description = "A path at and below which the container may change files; the OS keeps them in clear", HelpName = "PATH" };
        var clear = new Option<string[]>("--clear") { Description = "A path at and below which all files are the OS's (volumes, configuration that is mounted)", HelpName = "PATH" };
        var memory = new Option<int>("--memory") { Description = "Most memory of the container in MiB (0: no limit of the image's own)", HelpName = "MIB" };
        var processes = new Option<int>("--processes") { Description = "Most processes at one time (0: no limit of the image's own)", HelpName = "N" };
        var debug = new Option<bool>("--debug") { Description = "The console names paths that the image does not have and changes that were refused; not for production" };
        var entry = new Option<string[]?>("--entry") { Description = "Program and leading arguments instead of the image's entry point and command; repeat for each word", HelpName = "WORD" };
        var arguments = new Option<FreedomRule?>("--args") { Description = "fixed: exactly entry point and command; prefix: the entry point, then anything; free", HelpName = "fixed|prefix|free" };
        var environment = new Option<FreedomRule?>("--env-rule") { Description = "fixed: exactly the image's; prefix: these and the variables of --allow-env; free", HelpName = "fixed|prefix|free" };
        var variables = new Option<string[]>("--env") { Description = "Sets an environment variable", HelpName = "NAME=VALUE" };
        var outside = new Option<string[]>("--allow-env") { Description = "A variable that may come from outside (implies --env-rule prefix)", HelpName = "NAME" };
        var jit = new Option<bool>("--jit") { Description = "Anonymous memory may be executable" };
        var exec = new Option<bool>("--allow-exec") { Description = "Other programs of the image may be started from outside" };
        var key = new Option<string?>("--key") { Description = "Publisher's key: a name in the key folder or a PEM file", HelpName = "NAME|FILE" };
        var folder = KeysCommand.KeyFolderOption();
        var contentKey = new Option<string?>("--content-key") { Description = "File with the 32 bytes of the content key (otherwise derived from publisher and content)", HelpName = "FILE" };
        var platforms = new Option<string[]>("--for") { Description = "A platform that the image can run on: its public key (PEM), or 'development'. Repeatable", HelpName = "PLATFORM.pub", DefaultValueFactory = _ => ["development"] };
        var owners = new Option<bool>("--keep-owners") { Description = "Owners of a root file system folder are those of this host, not 0:0" };
        var json = ImageText.JsonOption();
        var command = new Command("build", "Makes a protected image: an ordinary OCI image that registries and container tools store and ship, whose programs nobody but the shield can read or change.")
        {
            input, output, reference, name, counter, encrypt, entry, arguments, environment, variables, outside, jit, exec, writable, clear, memory, processes, debug, key, folder, contentKey, platforms, owners, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var target = Path.GetFullPath(parsed.GetValue(output)!);
            CheckTarget(target);
            using var publisher = OpenPublisher(KeysCommand.Open(parsed.GetValue(folder)), parsed.GetValue(key));
            var targets = parsed.GetValue(platforms)!.Select(OpenPlatform).ToList();
            if (targets.Count > WrappedKey.MaximumCount)
            {
                throw new BlackBoxException($"an image can be made for {WrappedKey.MaximumCount} platforms at most");
            }

            var given = parsed.GetValue(contentKey) is { } file ? KeyStore.ReadContentKey(file) : null;
            var (image, digest) = await StepDisplay.RunAsync(async progress =>
            {
                var (content, opened) = await ReadAsync(parsed.GetValue(input)!, parsed.GetValue(reference), parsed.GetValue(owners), progress, cancellation).ConfigureAwait(false);
                using (opened)
                {
                    content = content with { Configuration = Adjust(content.Configuration) };
                    var policy = PolicyBuilder.Build(content) with { OutsideVariables = parsed.GetValue(outside) ?? [] };
                    var options = new ProtectionOptions { Scope = parsed.GetValue(encrypt), Counter = parsed.GetValue(counter), Policy = policy, ContentKey = given, Platforms = targets, Time = Created().ToUnixTimeSeconds() };
                    var result = ImageProtector.Protect(content, options, publisher, progress, cancellation);
                    return (result, await WriteAsync(result, target, progress, cancellation).ConfigureAwait(false));
                }
            }).ConfigureAwait(false);
            Report(image, digest, target, parsed.GetValue(json));
            return 0;

            ImageConfiguration Adjust(ImageConfiguration configuration)
            {
                var rules = configuration.Protection;
                return configuration with
                {
                    Name = parsed.GetValue(name) ?? configuration.Name,
                    Entrypoint = parsed.GetValue(entry) is { Length: > 0 } words ? words : configuration.Entrypoint,
                    Command = parsed.GetValue(entry) is { Length: > 0 } ? [] : configuration.Command,
                    Environment = Merge(configuration.Environment, parsed.GetValue(variables) ?? []),
                    Protection = new ProtectionRules(
                        parsed.GetValue(arguments) ?? rules.Arguments,
                        parsed.GetValue(environment) ?? (parsed.GetValue(outside) is { Length: > 0 } ? FreedomRule.Prefix : rules.Environment),
                        parsed.GetValue(jit) || rules.Jit,
                        parsed.GetValue(exec) || rules.ExecFromOutside)
                    {
                        WritablePaths = [.. rules.WritablePaths, .. parsed.GetValue(writable) ?? []],
                        ClearPaths = [.. rules.ClearPaths, .. parsed.GetValue(clear) ?? []],
                        MemoryMebibytes = Limit(parsed.GetValue(memory), rules.MemoryMebibytes),
                        Processes = Limit(parsed.GetValue(processes), rules.Processes),
                        Debug = parsed.GetValue(debug) || rules.Debug,
                    },
                };
            }
        });
        return command.WithExamples("""
            Examples:
              ./blackbox image build redis -o redis.bb                  from the recipe recipes/redis.json
              docker save nginx:1.27 | zstd > nginx.tar.zst             (an arm64 image)
              ./blackbox image build nginx.tar.zst -o nginx.bb.tar --args prefix
              ./blackbox image build rootfs/ -o tool.bb --entry /usr/bin/tool --entry --serve --name tool --env MODE=x
              ./build_bb_image LAYOUT -o OUT                            the same command

            Equal input, options and key give an equal image, byte for byte. Docs: docs/images.md
            """);
    }

    private static async Task<(ImageContent Content, OpenedImage? Opened)> ReadAsync(
        string input, string? reference, bool keepOwners, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        var isRecipeFile = input.EndsWith(".json", StringComparison.Ordinal) && File.Exists(input);
        if (!isRecipeFile && Path.Exists(input))
        {
            var opened = OpenedImage.Open(input, reference, keepOwners, progress: progress, cancellation: cancellation);
            return (opened.Content, opened);
        }

        if (!isRecipeFile && (input.Contains('/') || input.EndsWith(".tar", StringComparison.Ordinal)))
        {
            throw new BlackBoxException($"there is no image {input}");
        }

        var recipe = RecipeReader.Find(input, BlackBoxPaths.RepositoryOrNull);
        var guest = await GuestEnvironment.OpenAsync(progress, cancellation).ConfigureAwait(false);
        return (await new RecipeBuilder(guest.Cache, guest.Debian, progress).BuildAsync(recipe, cancellation).ConfigureAwait(false), null);
    }

    private static int Limit(int given, int own) => given >= 0 ? (given > 0 ? given : own) : throw new BlackBoxException("a limit is not negative");

    /// <summary>The variable that other builders take for repeatable time stamps; 1970 without it.</summary>
    private static DateTimeOffset Created() =>
        long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= uint.MaxValue
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : DateTimeOffset.UnixEpoch;

    private static PublisherKey OpenPublisher(KeyStore store, string? key) =>
        key is null ? store.OpenOrCreateDefault()
        : key.Contains('/') || key.EndsWith(".pem", StringComparison.Ordinal) ? KeyStore.OpenFile(key)
        : store.Open(key);

    private static PlatformKey OpenPlatform(string file)
    {
        if (file == PlatformKey.Development.Name)
        {
            return PlatformKey.Development;
        }

        try
        {
            return PlatformKey.FromPem(Path.GetFileNameWithoutExtension(file), File.ReadAllText(file));
        }
        catch (InvalidDataException error)
        {
            throw new BlackBoxException($"{file} is no platform's key: {error.Message}", "a platform's key comes from its evidence: ./blackbox attest platform", error);
        }
    }

    /// <summary>Nothing that is not an image is written over.</summary>
    private static void CheckTarget(string target)
    {
        if (Directory.Exists(target) && !target.EndsWith(".tar", StringComparison.Ordinal)
            ? !File.Exists(Path.Combine(target, "oci-layout")) && Directory.EnumerateFileSystemEntries(target).Any()
            : Directory.Exists(target) || (File.Exists(target) && !target.EndsWith(".tar", StringComparison.Ordinal)))
        {
            throw new BlackBoxException($"{target} exists and is no image", "name another output");
        }
    }

    private static List<string> Merge(IReadOnlyList<string> environment, string[] added)
    {
        if (added.FirstOrDefault(item => item.IndexOf('=') <= 0) is { } wrong)
        {
            throw new BlackBoxException($"'{wrong}' is not NAME=VALUE");
        }

        var names = added.Select(NameOf).ToHashSet(StringComparer.Ordinal);
        return [.. environment.Where(item => !names.Contains(NameOf(item))), .. added];

        static string NameOf(string item) => item[..item.IndexOf('=')];
    }

    private static async Task<string> WriteAsync(ProtectedImage image, string target, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        var writer = new OciWriter(image.Content, image.Annotations, Created(), progress, cancellation);
        return target.EndsWith(".tar", StringComparison.Ordinal)
            ? await writer.WriteArchiveAsync(target).ConfigureAwait(false)
            : await writer.WriteFolderAsync(target).ConfigureAwait(false);
    }

    private static void Report(ProtectedImage image, string digest, string target, bool json)
    {
        var encrypted = image.Records.Where(record => record.IsProtected).ToList();
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    Output = target,
                    Digest = digest,
                    image.Manifest.Name,
                    image.Manifest.Counter,
                    Publisher = image.PublisherDigest,
                    Files = image.Root.Entries.Count,
                    Listed = image.Records.Count,
                    Encrypted = encrypted.Count,
                    EncryptedBytes = encrypted.Sum(record => record.Size),
                    Outside = OutsideFiles(image),
                },
                ImageText.Json));
            return;
        }

        Console.WriteLine($"{target}\n  {image.Manifest.Name}, {encrypted.Count} files ({encrypted.Sum(record => record.Size) >> 10} KiB) encrypted, {image.Records.Count} entries bound, starts {image.Manifest.Policy.EntryPoint}\n  image {digest}\n  publisher {image.PublisherDigest}");
        if (OutsideFiles(image) is > 0 and var outside)
        {
            Console.WriteLine($"  {outside} files with content stand below writable or clear paths: neither encrypted nor bound");
        }
    }

    private static int OutsideFiles(ProtectedImage image) =>
        image.Root.Entries.Count(entry => entry.Length > 0 && image.Manifest.Policy.IsOutside(entry.Path));
}
