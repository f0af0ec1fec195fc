using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using BlackBox.Hosting;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox test</c>: builds and runs the test projects below tests/.</summary>
internal static partial class TestCommand
{
    private const string MachineFolder = "Machine";
    private const string AttackFolder = "Attacks";

    public static Command Create()
    {
        var command = new Command("test", "Runs the tests and ends with a line 'N passed, N failed'. Exit code 0 only when all passed.").WithExamples("""
              unit      what runs on the host: monitor and shield on a simulated machine, cryptography, tools
              machine   what boots the emulated machine: tests/Machine
              all       both (the default)
              attacks   tests/Attacks: a hostile kernel module and a hostile root; takes long
            ./blackbox test machine --only LifeTests --rounds 200
            """);
        var kind = new Argument<string>("kind") { Description = "unit, machine, all or attacks", DefaultValueFactory = _ => "all" };
        kind.AcceptOnlyFromAmong("unit", "machine", "all", "attacks");
        var filter = new Option<string?>("--project") { Description = "Only projects whose name contains this", HelpName = "TEXT" };
        var only = new Option<string?>("--only") { Description = "Only test classes whose name contains this", HelpName = "TEXT" };
        var rounds = new Option<int?>("--rounds") { Description = "Start and stop so many containers in LifeTests (default 8)", HelpName = "N" };
        rounds.Validators.Add(result => { if (result.GetValueOrDefault<int?>() is < 4) { result.AddError("--rounds: at least 4"); } });
        command.Add(kind);
        command.Add(filter);
        command.Add(only);
        command.Add(rounds);
        command.SetAction((parsed, cancellation) => RunAsync(
            parsed.GetValue(kind)!, parsed.GetValue(filter), new Selection(parsed.GetValue(only), parsed.GetValue(rounds)), cancellation));
        return command;
    }

    /// <param name="Class">part of the names of the classes to run, or null</param>
    /// <param name="Rounds">for LifeTests, or null</param>
    private sealed record Selection(string? Class, int? Rounds);

    private static async Task<int> RunAsync(string kind, string? filter, Selection selection, CancellationToken cancellation)
    {
        var tests = Path.Combine(BlackBoxPaths.Repository, "tests");
        var projects = Directory.EnumerateFiles(tests, "*.csproj", SearchOption.AllDirectories)
            .Where(project => IsTestProject(project))
            .Where(project => KindOf(tests, project) is var own && (own == kind || (kind == "all" && own != "attacks")))
            .Where(project => filter is null || Path.GetFileName(project).Contains(filter, StringComparison.OrdinalIgnoreCase))
            .OrderBy(project => KindOf(tests, project) == "machine").ThenBy(project => project, StringComparer.Ordinal).ToList();
        if (projects.Count == 0)
        {
            throw new BlackBoxException("no test project matches");
        }

        await SetupCommand.RunAsync(update: false, cancellation).ConfigureAwait(false);
        var built = await BuildAllAsync(cancellation).ConfigureAwait(false);
        int passed = 0, failed = 0;
        foreach (var project in projects)
        {
            var (ok, bad) = await RunProjectAsync(project, built, selection, cancellation).ConfigureAwait(false);
            passed += ok;
            failed += bad;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{passed} passed, {failed} failed"));
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    /// <summary>
    /// Builds the whole solution in one go, the compiler kept warm meanwhile: many times faster than project after project. False: something
    /// does not build; which, the projects' own builds will tell.
    /// </summary>
    private static async Task<bool> BuildAllAsync(CancellationToken cancellation)
    {
        Console.WriteLine("== building all");
        var build = await ExternalProcess.RunAsync(
            Dotnet, ["build", "BlackBox.slnx", "-c", "Release", "-v", "quiet", "-nologo", "-p:UseSharedCompilation=true"],
            cancellation, BlackBoxPaths.Repository).ConfigureAwait(false);
        await ExternalProcess.RunAsync(Dotnet, ["build-server", "shutdown", "--vbcscompiler"], cancellation, BlackBoxPaths.Repository).ConfigureAwait(false);
        return build.ExitCode == 0;
    }

    /// <summary>A project that does not build, or whose run breaks off, counts as one failure.</summary>
    private static async Task<(int Passed, int Failed)> RunProjectAsync(string project, bool built, Selection selection, CancellationToken cancellation)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        var program = Path.Combine(BlackBoxPaths.Repository, "artifacts", "bin", name, "release", name + ".dll");
        if (!built || !File.Exists(program))
        {
            Console.WriteLine($"== {name}: building");
            var build = await ExternalProcess.RunAsync(
                Dotnet, ["build", project, "-c", "Release", "-v", "quiet", "-nologo"], cancellation, BlackBoxPaths.Repository).ConfigureAwait(false);
            if (build.ExitCode != 0)
            {
                Console.WriteLine(string.Join('\n', build.Output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct().Take(20)));
                Console.WriteLine($"== {name}: does not build");
                return (0, 1);
            }
        }

        Console.WriteLine($"== {name}");
        var environment = new Dictionary<string, string> { ["BLACKBOX_ROOT"] = BlackBoxPaths.Repository };
        if (selection.Rounds is { } rounds)
        {
            environment["BLACKBOX_TEST_ROUNDS"] = rounds.ToString(CultureInfo.InvariantCulture);
        }

        string[] chosen = selection.Class is { } part ? ["-class", $"*{part}*"] : [];
        var run = await ExternalProcess.RunAsync(
            Dotnet, ["exec", program, "-noColor", "-noLogo", .. chosen], cancellation, BlackBoxPaths.Repository, environment, Console.WriteLine).ConfigureAwait(false);
        if (Summary().Matches(run.Output).LastOrDefault() is not { } summary)
        {
            Console.WriteLine($"== {name}: broke off with exit code {run.ExitCode}");
            return (0, 1);
        }

        int Count(string what) => int.Parse(summary.Groups[what].Value, CultureInfo.InvariantCulture);
        var bad = Count("failed") + Count("errors");
        var ok = Count("total") - Count("failed") - Count("skipped") - Count("notrun");
        return (ok, run.ExitCode != 0 && bad == 0 ? 1 : bad);
    }

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";

    private static bool IsTestProject(string project) => File.ReadAllText(project).Contains("\"xunit.v3\"", StringComparison.Ordinal);

    private static string KindOf(string tests, string project) => Path.GetRelativePath(tests, project).Split(Path.DirectorySeparatorChar)[0] switch
    {
        MachineFolder => "machine",
        AttackFolder => "attacks",
        _ => "unit",
    };

    /// <summary>The last line of xunit's own runner.</summary>
    [GeneratedRegex(@"Total: (?<total>\d+), Errors: (?<errors>\d+), Failed: (?<failed>\d+), Skipped: (?<skipped>\d+), Not Run: (?<notrun>\d+)")]
    private static partial Regex Summary();
}
