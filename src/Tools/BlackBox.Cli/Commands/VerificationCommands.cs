using System.CommandLine;
using System.Diagnostics;
using BlackBox.Hosting;

namespace BlackBox.Cli.Commands;

/// <summary>
/// <c>blackbox dev model</c>, <c>fuzz</c> and <c>mutants</c>: verification on the host. They stand in a program of their own (src/Tools/BlackBox.Dev), which
/// is built when it is first needed: it contains the monitor and the shield, and who only runs containers shall not have to build those for the host.
/// </summary>
internal static class VerificationCommands
{
    private const string Project = "src/Tools/BlackBox.Dev/BlackBox.Dev.csproj";

    private static readonly string[] Sources = ["src/Tools", "src/Monitor", "src/Shield", "src/Cryptography", "src/Freestanding", "src/Abi", "tests/Simulation"];

    public static IEnumerable<Command> Create() =>
    [
        Forward("model", "Searches all states that 4 frames, 2 enclaves and 2 CPUs can reach, by all hypercalls").WithExamples("""
            Options:
              --json            the result as JSON
              --depth N         events at most in the search over all calls at once (default: 8)
              --only SEARCH     memory, tasks, life (these end at a fixed point) or all
              --seconds N       time of one search at most (default: 900)
              --states N        states of one search at most
            """),
        Forward("fuzz", "A hostile OS and hostile shields against the monitor on a simulated machine; or changed inputs for a parser").WithExamples("""
            Options:
              --calls N         hypercalls to make, or inputs to parse (default: 1000000)
              --seed S          the same seed, the same run (default: from the clock)
              --cpus C          1 to 4 (default: 3)
              --together P      percentage of draws that let several CPUs run at once (default: 4)
              --seconds N       end after this time
              --target T        calls (default), dtb, elf or manifest
              --output FILE     where the sequence of a violation is written
              --replay FILE     run such a sequence
              --json            the result as JSON
            """),
        Forward("mutants", "Plants faults in copies of the monitor and shows that the host's tests notice each").WithExamples("""
            Options:
              --only NAME       one fault of tests/Monitor/Mutants
              --all-parts       show all parts of the tests that notice, not the first
              --json            the result as JSON
            """),
    ];

    private static Command Forward(string name, string description)
    {
        var command = new Command(name, description) { TreatUnmatchedTokensAsErrors = false };
        command.SetAction((parsed, cancellation) => RunAsync([name, .. parsed.UnmatchedTokens], cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var program = Path.Combine(BlackBoxPaths.Repository, "artifacts", "bin", "BlackBox.Dev", "release", "BlackBox.Dev.dll");
        var built = new FileInfo(program + ".built");
        if (!File.Exists(program) || !built.Exists || Sources.SelectMany(Files).Any(file => File.GetLastWriteTimeUtc(file) > built.LastWriteTimeUtc))
        {
            await Console.Error.WriteLineAsync("blackbox: building the verification tools ...").ConfigureAwait(false);
            var started = DateTime.UtcNow;
            var build = await ExternalProcess.RunAsync(dotnet, ["build", Project, "-c", "Release", "-v", "quiet", "-nologo"], cancellation, BlackBoxPaths.Repository).ConfigureAwait(false);
            if (build.ExitCode != 0)
            {
                throw new BlackBoxException($"{Project} does not build:\n{string.Join('\n', build.Output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct().Take(10))}");
            }

            await File.WriteAllTextAsync(built.FullName, "", cancellation).ConfigureAwait(false);
            File.SetLastWriteTimeUtc(built.FullName, started);
        }

        var start = new ProcessStartInfo(dotnet, ["exec", program, .. arguments]);
        start.Environment["BLACKBOX_ROOT"] = BlackBoxPaths.Repository;
        using var process = Process.Start(start)!;
        try
        {
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return process.ExitCode;
    }

    private static IEnumerable<string> Files(string folder) => Directory
        .EnumerateFiles(Path.Combine(BlackBoxPaths.Repository, folder), "*", SearchOption.AllDirectories)
        .Where(file => Path.GetExtension(file) is ".cs" or ".csproj" or ".json");
}
