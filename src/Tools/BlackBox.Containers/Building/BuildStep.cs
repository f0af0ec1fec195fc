using System.Diagnostics;
using BlackBox.Hosting;

namespace BlackBox.Building;

/// <summary>One thing that is built from the source tree: what it is made of, what comes out, and how.</summary>
/// <param name="Name">For people, and for the file that says from which inputs the outputs were made.</param>
/// <param name="Inputs">Files and folders, relative to the repository.</param>
/// <param name="Outputs">Files, absolute.</param>
/// <param name="Settings">Anything else that the outputs depend on.</param>
/// <param name="Make">Makes them; gets a callback for each line that the build prints.</param>
internal sealed record BuildStep(
    string Name, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyList<string> Settings, Func<Action<string>, CancellationToken, Task> Make)
{
    private const int LongestDetail = 60;

    /// <summary>Makes the outputs unless they are there and nothing has changed since.</summary>
    /// <exception cref="BlackBoxException">The build failed.</exception>
    public async Task RunAsync(IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        var repository = BlackBoxPaths.Repository;
        var folder = Path.Combine(repository, "artifacts", "stamps");
        var step = $"Building {Name}";
        var file = Path.Combine(folder, string.Concat(Name.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter == '.' ? letter : '-')));
        using var guard = await CacheLock.AcquireAsync(
            file + ".lock", () => progress.Report(new StepUpdate(step, double.NaN, "waiting for another run of the tools")), cancellation).ConfigureAwait(false);

        // Before the build: what changes while it runs is built the next time.
        var digest = BuildInputs.Digest(repository, Inputs, Settings);
        if (Outputs.All(File.Exists) && File.Exists(file) && await File.ReadAllTextAsync(file, cancellation).ConfigureAwait(false) == digest)
        {
            return;
        }

        File.Delete(file);
        progress.Report(new StepUpdate(step, double.NaN, "started"));
        var watch = Stopwatch.StartNew();
        await Make(line => progress.Report(new StepUpdate(step, double.NaN, Shorten(line))), cancellation).ConfigureAwait(false);
        if (Outputs.FirstOrDefault(output => !File.Exists(output)) is { } missing)
        {
            throw new BlackBoxException($"building {Name} did not leave {missing}");
        }

        await File.WriteAllTextAsync(file, digest, cancellation).ConfigureAwait(false);
        progress.Report(new StepUpdate(step, 1, $"ready ({watch.Elapsed.TotalSeconds:0} s)"));
    }

    private static string Shorten(string line)
    {
        line = line.Trim().Replace(BlackBoxPaths.Repository + "/", "", StringComparison.Ordinal);
        return line.Length <= LongestDetail ? line : string.Concat("... ", line.AsSpan(line.Length - LongestDetail));
    }
}
