using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BlackBox.Building;
using BlackBox.Hosting;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox build</c>: everything that runs in the emulated machine, which the other commands build by themselves; and whether two builds give the same.</summary>
internal static class BuildCommand
{
    public static Command Create()
    {
        var check = new Option<bool>("--check") { Description = "Build twice, in fresh copies of the sources elsewhere, and compare: exit code 0 if all parts are bit-identical, else 1 with the files and where they begin to differ. Takes one to three minutes" };
        var sbom = new Option<string?>("--sbom") { Description = "Also write a software bill of materials (CycloneDX 1.6) for each part and for this tool: NAME.cdx.json", HelpName = "FOLDER" };
        var json = ImageText.JsonOption();
        var command = new Command("build", "Builds what runs in the emulated machine, as far as it is not up to date: monitor and shield, the kernel module, the container runtime, the programs of the demonstration; and says the SHA-256 of each part. The other commands build by themselves.") { check, sbom, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(check) && result.GetValue(sbom) is not null)
            {
                result.AddError("--check builds elsewhere and keeps nothing: ask for --sbom without it");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(check))
            {
                var results = await StepDisplay.RunAsync(async progress =>
                {
                    var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
                    return await new ReproducibilityCheck(guest.Kernel, progress).RunAsync(cancellation).ConfigureAwait(false);
                }).ConfigureAwait(false);
                return Report(results, parsed.GetValue(json));
            }

            var (artefacts, bills) = await StepDisplay.RunAsync(async progress =>
            {
                var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
                var built = await new ProductBuild(guest.Kernel, progress).BuildAllAsync(cancellation).ConfigureAwait(false);
                return (built, parsed.GetValue(sbom) is { } folder ? await ProductBills.WriteAsync(built, guest.Kernel, folder, cancellation).ConfigureAwait(false) : []);
            }).ConfigureAwait(false);
            Report(artefacts, bills, parsed.GetValue(json));
            return 0;
        });
        return command.WithExamples("""
            Examples:
              ./blackbox build             leaves artifacts/images/monitor.bin, artifacts/guest/ and more
              ./blackbox build --sbom sbom what each part is made of, for auditors and scanners
              ./blackbox build --check     is what is built made of the sources, and of nothing else?
            """);
    }

    private static void Report(IReadOnlyList<Artefact> artefacts, IReadOnlyList<string> bills, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { Artefacts = artefacts.Select(artefact => new { artefact.Name, File = Relative(artefact.File), artefact.Length, Sha256 = artefact.Digest }), Sbom = bills }, ImageText.Json));
            return;
        }

        foreach (var artefact in artefacts)
        {
            Console.WriteLine($"{artefact.Digest}  {Relative(artefact.File)}");
        }

        foreach (var bill in bills)
        {
            Console.Error.WriteLine($"Bill of materials: {bill}");
        }
    }

    private static int Report(IReadOnlyList<BuiltTwice> results, bool json)
    {
        var isSame = results.All(result => result.Difference is null);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                Identical = isSame,
                Artefacts = results.Select(result => new
                {
                    result.First.Name,
                    Sha256 = result.First.Digest,
                    result.First.Length,
                    Identical = result.Difference is null,
                    result.Difference,
                    Second = result.Difference is null ? null : new { Sha256 = result.Second.Digest, result.Second.Length },
                }),
            }, ImageText.Json));
        }
        else
        {
            foreach (var result in results)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{(result.Difference is { } offset ? $"DIFFERS from byte {offset} (0x{offset:x}) on: {result.First.Length} and {result.Second.Length} bytes" : result.First.Digest)}  {result.First.Name}"));
            }
        }

        if (isSame)
        {
            Console.Error.WriteLine("Both builds are bit-identical.");
            return 0;
        }

        Console.Error.WriteLine($"blackbox: the builds differ in {string.Join(", ", results.Where(result => result.Difference is not null).Select(result => result.First.Name))}");
        return 1;
    }

    private static string Relative(string file) => Path.GetRelativePath(BlackBoxPaths.Repository, file);
}
