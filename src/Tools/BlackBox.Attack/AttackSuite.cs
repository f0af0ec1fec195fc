using System.Collections.Concurrent;
using System.Globalization;
using BlackBox.Building;
using BlackBox.Emulation;
using BlackBox.Hosting;

namespace BlackBox.Attacks;

/// <summary>What to run.</summary>
public sealed record AttackOptions
{
    /// <summary>Only attacks whose name is one of these or contains one of them; empty: all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Only attacks of this family.</summary>
    public string? Family { get; init; }

    /// <summary>All that often. An attack passes if it passes each time.</summary>
    public int Rounds { get; init; } = 1;

    /// <summary>Another monitor image than the one that is built.</summary>
    public string? Monitor { get; init; }

    /// <summary>Machines that are attacked side by side.</summary>
    public int Machines { get; init; } = 2;
}

/// <summary>The attack suite: boots machines, runs attacks on them, gives a result for each.</summary>
public static class AttackSuite
{
    private const string Step = "Attacks";

    /// <summary>The attacks that the options name, in the order of the list.</summary>
    /// <exception cref="BlackBoxException">A word names none.</exception>
    public static IReadOnlyList<Attack> Select(AttackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Family is { } family && AttackList.All.All(attack => attack.Family != family))
        {
            throw new BlackBoxException($"there is no family '{family}'", $"families: {string.Join(", ", AttackList.All.Select(attack => attack.Family).Distinct())}");
        }

        foreach (var word in options.Only.Where(word => !AttackList.All.Any(attack => Matches(attack, word))))
        {
            throw new BlackBoxException($"no attack's name contains '{word}'", "see ./blackbox attack --list");
        }

        return [.. AttackList.All.Where(attack =>
            (options.Family is null || attack.Family == options.Family) && (options.Only.Count == 0 || options.Only.Any(word => Matches(attack, word))))];
    }

    /// <summary>Runs them. Results are in the order of the list, whatever order they ran in.</summary>
    /// <param name="onResult">called with each result as it comes, from one thread at a time</param>
    public static async Task<IReadOnlyList<AttackResult>> RunAsync(
        AttackOptions options, GuestEnvironment guest, IProgress<StepUpdate> progress, Action<AttackResult>? onResult, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(guest);
        ArgumentNullException.ThrowIfNull(progress);
        var attacks = Select(options);
        var build = new ProductBuild(guest.Kernel, progress);
        var monitor = options.Monitor ?? await build.MonitorAsync(cancellation).ConfigureAwait(false);
        var pieces = await GuestPieces.BuildAsync(guest, build, progress, cancellation).ConfigureAwait(false);
        var builds = new AttackBuilds(monitor, progress);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var preparing = Task.Run(() => builds.PrepareAsync(attacks.SelectMany(attack => (string?[])[attack.Build, attack.Mutant]).OfType<string>().Distinct(), stop.Token), CancellationToken.None);
        var results = new ConcurrentDictionary<string, AttackResult>(StringComparer.Ordinal);
        var done = 0;
        try
        {
            for (var round = 1; round <= options.Rounds; round++)
            {
                await RunRoundAsync(round).ConfigureAwait(false);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await preparing.ConfigureAwait(false);
        }

        progress.Report(new StepUpdate(Step, 1, $"{results.Values.Count(result => result.Passed)} of {results.Count} passed"));
        return [.. attacks.Select(attack => results[attack.Name])];

        async Task RunRoundAsync(int round)
        {
            // Those that wait for a build of their own come late; those that look back at all others come last, on a machine with a past.
            var queue = new ConcurrentQueue<Attack>(attacks.Where(attack => !attack.IsLast).OrderBy(attack => attack.Build is null && attack.Mutant is null ? 0 : 1));
            var lanes = Enumerable.Range(0, Math.Clamp(Math.Min(options.Machines, queue.Count), 1, 8)).Select(_ => new AttackLane(pieces, builds, round)).ToList();
            try
            {
                // One lane's error ends the others as well.
                using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                await Task.WhenAll(lanes.Select(lane => WorkAsync(lane, end))).ConfigureAwait(false);
                foreach (var attack in attacks.Where(attack => attack.IsLast))
                {
                    await PerformAsync(lanes[0], attack, round, cancellation).ConfigureAwait(false);
                }
            }
            finally
            {
                foreach (var lane in lanes)
                {
                    await lane.DisposeAsync().ConfigureAwait(false);
                }
            }

            async Task WorkAsync(AttackLane lane, CancellationTokenSource end)
            {
                try
                {
                    while (queue.TryDequeue(out var attack))
                    {
                        await PerformAsync(lane, attack, round, end.Token).ConfigureAwait(false);
                    }
                }
                catch
                {
                    await end.CancelAsync().ConfigureAwait(false);
                    throw;
                }
            }
        }

        async Task PerformAsync(AttackLane lane, Attack attack, int round, CancellationToken token)
        {
            Report(attack.Name);
            var result = await Task.Run(() => lane.RunAsync(attack, token), token).ConfigureAwait(false);
            if (options.Rounds > 1)
            {
                result = result with { Detail = $"round {round}: {result.Detail}" };
            }

            lock (results)
            {
                // The first failure stays.
                results.AddOrUpdate(attack.Name, result, (_, before) => before.Passed ? result : before);
                done++;
                onResult?.Invoke(result);
            }

            Report(attack.Name);
        }

        void Report(string name) => progress.Report(new StepUpdate(
            Step, Math.Min(0.999, (double)done / (attacks.Count * options.Rounds)), string.Create(CultureInfo.InvariantCulture, $"{done} of {attacks.Count * options.Rounds}: {name}")));
    }

    private static bool Matches(Attack attack, string word) => attack.Name.Contains(word, StringComparison.OrdinalIgnoreCase);
}
