using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Bench;

/// <summary>The whole benchmark: both halves, side by side, and the comparison.</summary>
public sealed class Benchmark(GuestEnvironment guest, ProductBuild build, IProgress<StepUpdate> progress)
{
    /// <param name="benchmarks">Which to run.</param>
    /// <param name="monitor">The monitor's image.</param>
    /// <exception cref="BlackBoxException">Something could not be built, or a machine failed.</exception>
    public async Task<BenchmarkReport> RunAsync(IReadOnlyList<BenchmarkDefinition> benchmarks, string monitor, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(benchmarks);
        var programs = new BenchmarkPrograms(progress);
        var observer = await programs.ObserverAsync(cancellation).ConfigureAwait(false);
        var workload = await programs.WorkloadAsync(cancellation).ConfigureAwait(false);
        var counter = await programs.CounterAsync(cancellation).ConfigureAwait(false);

        // What both need is built before they start; then each has a processor of this host. Instructions are counted, so
        // neither minds what else the host does.
        _ = await build.ModuleAsync(cancellation).ConfigureAwait(false);
        _ = await build.RuntimeAsync(cancellation).ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        async Task<IReadOnlyList<Measurement>> HalfAsync(bool isProtected)
        {
            try
            {
                return await new BenchmarkHalf(isProtected, guest, build, progress).RunAsync(benchmarks, (observer, workload, counter), monitor, either.Token).ConfigureAwait(false);
            }
            catch
            {
                await either.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }

        var native = HalfAsync(isProtected: false);
        var @protected = HalfAsync(isProtected: true);
        try
        {
            await Task.WhenAll(native, @protected).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The other half's failure is the reason.
            await (native.IsFaulted ? native : @protected).ConfigureAwait(false);
            throw;
        }

        var results = new List<BenchmarkResult>();
        for (var i = 0; i < benchmarks.Count; i++)
        {
            results.Add(Comparison.Make(benchmarks[i], (await native.ConfigureAwait(false))[i], (await @protected.ConfigureAwait(false))[i]));
        }

        string[] notes = counter is null ? ["instructions were not counted by kind: this host has no gcc"] : [];
        return new BenchmarkReport(results, results.All(result => result.IsGood), notes);
    }
}
