using System.Collections.Concurrent;
using BlackBox.Hosting;
using BlackBox.Mutants;

namespace BlackBox.Attacks;

/// <summary>The builds of the monitor (with the shield in it) that attacks run on: the product, and mutants of tests/Attacks/Mutants.</summary>
/// <param name="monitor">the product's image</param>
internal sealed class AttackBuilds(string monitor, IProgress<StepUpdate> progress)
{
    /// <summary>No monitor at all.</summary>
    public const string Native = "native";

    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _mutants = new(StringComparer.Ordinal);

    /// <summary>Where the mutants stand.</summary>
    public static string Folder => Path.Combine(BlackBoxPaths.Repository, "tests", "Attacks", "Mutants");

    /// <summary>Path of an image; null is the product.</summary>
    /// <exception cref="BlackBoxException">The mutant is out of date or does not build.</exception>
    public Task<string> MonitorAsync(string? build, CancellationToken cancellation) => build is null
        ? Task.FromResult(monitor)
        : _mutants.GetOrAdd(build, name => new Lazy<Task<string>>(
            () => MutantImages.MonitorAsync(Mutant.Read(Path.Combine(Folder, name + ".json")), progress, cancellation))).Value;

    /// <summary>Builds what will be needed, so that nobody has to wait for it later. Errors come to whoever needs the image.</summary>
    public async Task PrepareAsync(IEnumerable<string> builds, CancellationToken cancellation)
    {
        foreach (var build in builds)
        {
            try
            {
                await MonitorAsync(build, cancellation).ConfigureAwait(false);
            }
            catch (Exception error) when (error is BlackBoxException or OperationCanceledException)
            {
                // See above.
            }
        }
    }
}
