using BlackBox.Hosting;

namespace BlackBox.Mutants;

/// <summary>Monitor images (with the shield in them) that have a fault. Built once for each content, in artifacts/mutants.</summary>
public static class MutantImages
{
    private static readonly string[] Inputs = ["src/Monitor", "src/Shield", "src/Cryptography", "src/Freestanding", "src/Abi/Generated"];

    private static string Folder => Path.Combine(BlackBoxPaths.Repository, "artifacts", "mutants");

    /// <summary>The image of a mutant.</summary>
    /// <returns>path of its monitor.bin</returns>
    /// <exception cref="BlackBoxException">The mutant is out of date, or does not build.</exception>
    public static async Task<string> MonitorAsync(Mutant mutant, IProgress<StepUpdate> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(mutant);
        ArgumentNullException.ThrowIfNull(progress);
        var tree = new MutantTree(Path.Combine(Folder, "tree"), Inputs);
        var image = Path.Combine(Folder, "images", $"{mutant.Name}-{tree.Digest(mutant)[..16]}.bin");
        if (File.Exists(image))
        {
            return image;
        }

        var step = $"Building mutant {mutant.Name}";
        using var guard = await CacheLock.AcquireAsync(
            Path.Combine(Folder, "lock"), () => progress.Report(new StepUpdate(step, double.NaN, "waiting for another run of the tools")), cancellation).ConfigureAwait(false);
        if (File.Exists(image))
        {
            return image;
        }

        progress.Report(new StepUpdate(step, double.NaN, mutant.Removes));
        tree.Prepare(mutant);
        await BuildAsync(tree.Root, "src/Monitor/Image/BlackBox.Monitor.Image.csproj", mutant, cancellation).ConfigureAwait(false);
        foreach (var old in Directory.Exists(Path.GetDirectoryName(image)) ? Directory.EnumerateFiles(Path.GetDirectoryName(image)!, mutant.Name + "-*.bin") : [])
        {
            // Of an older source. A mutant whose name begins with this one's is built again at worst.
            File.Delete(old);
        }

        await AtomicOutput.WriteFileByNameAsync(image, file =>
        {
            File.Copy(Path.Combine(tree.Root, "artifacts", "images", "monitor.bin"), file);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        progress.Report(new StepUpdate(step, 1, "ready"));
        return image;
    }

    private static async Task BuildAsync(string root, string project, Mutant mutant, CancellationToken cancellation)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var result = await ExternalProcess.RunAsync(
            dotnet,
            ["build", project, "-c", "Release", "-v", "quiet", "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"],
            cancellation, root,
            new Dictionary<string, string> { ["MSBUILDDISABLENODEREUSE"] = "1", ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0", ["BLACKBOX_ROOT"] = root }).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            var errors = result.Output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct().Take(3);
            throw new BlackBoxException($"mutant {mutant.Name} does not build: {string.Join("\n  ", errors)}");
        }
    }
}
