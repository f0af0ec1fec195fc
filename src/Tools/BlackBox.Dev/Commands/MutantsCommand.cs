using System.CommandLine;
using System.Diagnostics;
using BlackBox.Dev.Mutants;
using BlackBox.Hosting;
using BlackBox.Mutants;

namespace BlackBox.Dev.Commands;

/// <summary><c>dev mutants</c>.</summary>
internal static class MutantsCommand
{
    public static Command Create()
    {
        var command = new Command("mutants", "Plants faults in copies of the monitor, one after the other, and runs fuzzer, model and unit tests over each. Exit code 0: every fault is noticed, and nothing is where there is none.");
        var only = new Option<string?>("--only") { Description = "One fault, by name", HelpName = "NAME" };
        var all = new Option<bool>("--all-parts") { Description = "Go on when a part has noticed: shows all that notice" };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON" };
        command.Add(only);
        command.Add(all);
        command.Add(json);
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(only), parsed.GetValue(all), parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string? only, bool everything, bool json, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        List<Mutant> mutants = [.. Mutant.ReadForHost(BlackBoxPaths.Repository).Where(mutant => only is null || mutant.Name == only)];
        if (mutants.Count == 0)
        {
            throw new BlackBoxException($"there is no fault {only}");
        }

        var suite = new HostSuite();
        await suite.PrepareAsync(cancellation).ConfigureAwait(false);
        IReadOnlyList<Verdict> control = await suite.RunAsync(null, everything: true, cancellation).ConfigureAwait(false);
        if (control.Count > 0)
        {
            throw new BlackBoxException($"the monitor as it is does not pass {control[0].By}: {control[0].Message}");
        }

        var results = new List<(Mutant Mutant, IReadOnlyList<Verdict> Verdicts)>();
        foreach (Mutant mutant in mutants)
        {
            IReadOnlyList<Verdict> verdicts = await suite.RunAsync(mutant, everything, cancellation).ConfigureAwait(false);
            results.Add((mutant, verdicts));
            await Console.Error.WriteLineAsync($"{mutant.Name}: {(verdicts.Count == 0 ? "NOT CAUGHT" : string.Join(", ", verdicts.Select(verdict => verdict.By)))}").ConfigureAwait(false);
        }

        int missed = results.Count(result => result.Verdicts.Count == 0);
        if (json)
        {
            Json.Print(new
            {
                command = "mutants",
                mutants = results.Count,
                caught = results.Count - missed,
                seconds = Math.Round(watch.Elapsed.TotalSeconds),
                results = results.Select(result => new
                {
                    name = result.Mutant.Name,
                    removes = result.Mutant.Removes,
                    caught = result.Verdicts.Count > 0,
                    by = result.Verdicts.Select(verdict => verdict.By),
                    message = result.Verdicts.Count == 0 ? null : result.Verdicts[0].Message,
                }),
            });
        }
        else
        {
            foreach ((Mutant mutant, IReadOnlyList<Verdict> verdicts) in results)
            {
                Console.WriteLine($"{mutant.Name,-22} {(verdicts.Count == 0 ? "NOT CAUGHT" : $"{string.Join(", ", verdicts.Select(verdict => verdict.By))}: {verdicts[0].Message}")}");
            }

            Console.WriteLine($"{results.Count - missed} of {results.Count} caught");
        }

        return missed == 0 ? 0 : 1;
    }
}
