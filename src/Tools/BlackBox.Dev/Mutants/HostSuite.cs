using System.Diagnostics;
using BlackBox.Hosting;
using BlackBox.Mutants;

namespace BlackBox.Dev.Mutants;

/// <summary>What noticed a fault.</summary>
/// <param name="By">part of the suite, or null</param>
/// <param name="Message">what it said</param>
internal sealed record Verdict(string? By, string Message);

/// <summary>The host suite over a monitor with a fault in it: the library is built from a changed copy of the sources and put in place of the right
/// one beside copies of the programs that test it.</summary>
internal sealed class HostSuite
{
    private static readonly string[] Inputs = ["src/Monitor", "src/Abi", "src/Cryptography", "src/Freestanding", "tests/Simulation", "docs/hypercalls.md"];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly string _folder = Path.Combine(BlackBoxPaths.Repository, "artifacts", "mutants", "host");
    private readonly MutantTree _tree;

    public HostSuite() => _tree = new MutantTree(Path.Combine(_folder, "tree"), Inputs);

    private string Programs => Path.Combine(_folder, "programs");

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";

    /// <summary>Builds the tests of the monitor as they are, and copies them.</summary>
    /// <exception cref="BlackBoxException">They do not build.</exception>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        await BuildAsync(BlackBoxPaths.Repository, "tests/Monitor/BlackBox.Monitor.Tests.csproj", [], cancellation).ConfigureAwait(false);
        string source = Path.Combine(BlackBoxPaths.Repository, "artifacts", "bin", "BlackBox.Monitor.Tests", "release");
        Directory.CreateDirectory(Programs);
        foreach (string file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(Programs, Path.GetFileName(file)), overwrite: true);
        }
    }

    /// <summary>Runs the suite over one fault, part after part, until one notices.</summary>
    /// <param name="mutant">null: no fault</param>
    /// <param name="everything">go on when a part has noticed, to see which others do</param>
    public async Task<IReadOnlyList<Verdict>> RunAsync(Mutant? mutant, bool everything, CancellationToken cancellation)
    {
        _tree.Prepare(mutant);
        // The first build, that without a fault, builds all; later ones the library alone.
        string[] scope = mutant is null ? [] : ["--no-dependencies", "--no-restore"];
        await BuildAsync(
            _tree.Root, "src/Monitor/BlackBox.Monitor.csproj",
            [.. scope, "-p:RunAnalyzers=false", "-p:GenerateDocumentationFile=false", "-p:TreatWarningsAsErrors=false"], cancellation).ConfigureAwait(false);
        File.Copy(
            Path.Combine(_tree.Root, "artifacts", "bin", "BlackBox.Monitor", "release", "BlackBox.Monitor.dll"), Path.Combine(Programs, "BlackBox.Monitor.dll"), overwrite: true);
        var verdicts = new List<Verdict>();
        foreach ((string name, string[] arguments) in Parts())
        {
            if (everything || verdicts.Count == 0)
            {
                if (await RunPartAsync(arguments, cancellation).ConfigureAwait(false) is { } message)
                {
                    verdicts.Add(new Verdict(name, message));
                }
            }
        }

        return verdicts;
    }

    private IEnumerable<(string Name, string[] Arguments)> Parts()
    {
        string dev = Path.Combine(Programs, "BlackBox.Dev.dll");
        string output = Path.Combine(_folder, "failure.txt");
        yield return ("fuzz", [dev, "fuzz", "--calls", "200000", "--seed", "1", "--output", output]);
        yield return ("fuzz together", [dev, "fuzz", "--calls", "60000", "--seed", "2", "--together", "60", "--output", output]);
        yield return ("model memory", [dev, "model", "--only", "memory", "--states", "6000"]);
        yield return ("model life", [dev, "model", "--only", "life", "--states", "3000"]);
        yield return ("model tasks", [dev, "model", "--only", "tasks", "--states", "3000"]);
        yield return ("unit tests", [
            Path.Combine(Programs, "BlackBox.Monitor.Tests.dll"), "-noColor", "-noLogo", "-stopOnFail",
            "-class-", "BlackBox.Monitor.Tests.FuzzTests", "-class-", "BlackBox.Monitor.Tests.ModelTests", "-class-", "BlackBox.Monitor.Tests.ParserFuzzTests"]);
    }

    // Null: nothing noticed.
    private async Task<string?> RunPartAsync(string[] arguments, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        var start = new ProcessStartInfo(Dotnet) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        start.ArgumentList.Add("exec");
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            string text = await output.ConfigureAwait(false) + await errors.ConfigureAwait(false);
            return process.ExitCode == 0 ? null : Interesting(text);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return "does not end";
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static string Interesting(string text)
    {
        string line = text.Split('\n').FirstOrDefault(line => line.Contains("Exception", StringComparison.Ordinal) || line.Contains("[FAIL]", StringComparison.Ordinal)) ?? text;
        line = line.Trim();
        return line.Length <= 160 ? line : line[..160];
    }

    private static async Task BuildAsync(string root, string project, string[] settings, CancellationToken cancellation)
    {
        var result = await ExternalProcess.RunAsync(
            Dotnet, ["build", project, "-c", "Release", "-v", "quiet", "-nologo", "-p:UseSharedCompilation=true", .. settings], cancellation, root,
            new Dictionary<string, string> { ["BLACKBOX_ROOT"] = root }).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw new BlackBoxException($"{project} does not build: {string.Join("\n  ", result.Output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct().Take(3))}");
        }
    }
}
