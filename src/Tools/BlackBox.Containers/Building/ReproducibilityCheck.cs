using System.Diagnostics;
using BlackBox.Guest;
using BlackBox.Hosting;

namespace BlackBox.Building;

/// <summary>One part of the product, built twice.</summary>
/// <param name="First">As the first build left it.</param>
/// <param name="Second">As the second did.</param>
/// <param name="Difference">Offset in bytes at which they begin to differ; null: they are bit-identical.</param>
public sealed record BuiltTwice(Artefact First, Artefact Second, long? Difference);

/// <summary>
/// Does the product depend on its sources alone? It is built twice from copies of the sources that have nothing but their contents in common:
/// paths of other length, files of another day and in another order, another time zone, another number of CPUs; and no build's leftovers,
/// nor anything else of the repository.
/// </summary>
public sealed class ReproducibilityCheck(GuestKernel kernel, IProgress<StepUpdate> progress)
{
    private static readonly string[] Inputs = [.. ProductSources.Monitor, .. ProductSources.Module, .. ProductSources.Runtime, ".editorconfig"];

    // Far from now, with another number of digits in the day.
    private static readonly DateTime OtherDay = new(2009, 2, 13, 23, 31, 30, DateTimeKind.Utc);

    /// <summary>Builds and compares.</summary>
    /// <exception cref="BlackBoxException">A build failed.</exception>
    public async Task<IReadOnlyList<BuiltTwice>> RunAsync(CancellationToken cancellation)
    {
        using var copies = new SourceCopy(Path.Combine(BlackBoxPaths.Cache, "check"));
        var first = new ProductSources(copies.Add(BlackBoxPaths.Repository, Inputs, "a", time: null, isReversed: false, cancellation));
        var second = new ProductSources(
            copies.Add(BlackBoxPaths.Repository, Inputs, "another/path/that-is-longer", OtherDay, isReversed: true, cancellation),
            new Dictionary<string, string> { ["TZ"] = "Pacific/Kiritimati", ["DOTNET_PROCESSOR_COUNT"] = "1", ["MAKEFLAGS"] = "-j3", ["LANG"] = "tr_TR.UTF-8" });
        await BuildAsync(first, "First build", cancellation).ConfigureAwait(false);
        await BuildAsync(second, "Second build", cancellation).ConfigureAwait(false);
        return Compare(Artefact.Of(first, kernel.Release), Artefact.Of(second, kernel.Release));
    }

    /// <summary>Holds the parts of two builds against each other.</summary>
    /// <exception cref="InvalidOperationException">They are not the same parts in the same order.</exception>
    public static IReadOnlyList<BuiltTwice> Compare(IReadOnlyList<Artefact> first, IReadOnlyList<Artefact> second) =>
        first.Select(part => part.Name).SequenceEqual(second.Select(part => part.Name))
            ? [.. first.Zip(second, (one, two) => new BuiltTwice(one, two, FileComparison.FirstDifference(one.File, two.File)))]
            : throw new InvalidOperationException("the builds have other parts");

    private async Task BuildAsync(ProductSources sources, string name, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        (string What, Func<Action<string>, CancellationToken, Task> Make)[] parts =
        [
            ("monitor and shield", sources.MakeUefiAsync),
            ("blackbox.ko", (onLine, stop) => sources.MakeModuleAsync(kernel.Release, kernel.Headers, onLine, stop)),
            ("blackbox-runtime", sources.MakeRuntimeAsync),
        ];
        for (var i = 0; i < parts.Length; i++)
        {
            var (what, fraction) = (parts[i].What, (double)i / parts.Length);
            progress.Report(new StepUpdate(name, fraction, what));
            await parts[i].Make(_ => progress.Report(new StepUpdate(name, fraction, what)), cancellation).ConfigureAwait(false);
        }

        progress.Report(new StepUpdate(name, 1, $"ready ({watch.Elapsed.TotalSeconds:0} s)"));
    }
}
