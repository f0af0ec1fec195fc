using System.CommandLine;
using System.Globalization;
using BlackBox.Dev.Fuzzing;
using BlackBox.Dev.Model;

namespace BlackBox.Dev.Commands;

/// <summary><c>dev model</c>.</summary>
internal static class ModelCommand
{
    public static Command Create()
    {
        var command = new Command("model", "Searches every state that 4 frames, 2 enclaves and 2 CPUs can reach, by all calls of both interfaces. Exit code 0: no invariant is violated.");
        var json = new Option<bool>("--json") { Description = "Print the result as JSON" };
        var depth = new Option<int>("--depth") { Description = "Events after the start at most, in the search over all calls at once", DefaultValueFactory = _ => 8 };
        var only = new Option<string?>("--only") { Description = "memory, tasks, life (these have a fixed point), or all", HelpName = "SEARCH" };
        var seconds = new Option<int>("--seconds") { Description = "Time of one search at most", DefaultValueFactory = _ => 900 };
        var states = new Option<int>("--states") { Description = "States of one search at most", DefaultValueFactory = _ => 20_000_000 };
        only.AcceptOnlyFromAmong("memory", "tasks", "life", "all");
        foreach (Option option in (Option[])[json, depth, only, seconds, states])
        {
            command.Add(option);
        }

        command.SetAction(parsed => Run(
            parsed.GetValue(json), parsed.GetValue(depth), parsed.GetValue(only), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(states)));
        return command;
    }

    private static int Run(bool json, int depth, string? only, TimeSpan time, int states)
    {
        var results = new List<ModelResult>();
        foreach (Scenario scenario in (Scenario[])[Scenario.Life(int.MaxValue), Scenario.Tasks(int.MaxValue), Scenario.Memory(int.MaxValue), Scenario.All(depth)])
        {
            if (only is null || scenario.Name == only)
            {
                results.Add(new ModelExplorer(scenario).Run(time, states, (level, count) => Console.Error.WriteLine($"{scenario.Name}: depth {level}, {count} states")));
            }
        }

        if (json)
        {
            Json.Print(new
            {
                command = "model",
                frames = Scenario.Frames,
                enclaves = 2,
                cpus = 2,
                states = results.Sum(result => (long)result.States),
                transitions = results.Sum(result => result.Transitions),
                violations = results.Count(result => result.Violation is not null),
                seconds = Math.Round(results.Sum(result => result.Time.TotalSeconds), 1),
                searches = results.Select(result => new
                {
                    name = result.Scenario,
                    states = result.States,
                    transitions = result.Transitions,
                    depth = result.Depth,
                    fixedPoint = result.IsFixedPoint,
                    seconds = Math.Round(result.Time.TotalSeconds, 1),
                    violation = result.Violation,
                    steps = result.Failure.Select(step => step.ToString()),
                }),
            });
        }
        else
        {
            foreach (ModelResult result in results)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{result.Scenario}: {result.States} states, {result.Transitions} transitions, depth {result.Depth}{(result.IsFixedPoint ? " (fixed point)" : "")}, {result.Time.TotalSeconds:0.0} s, {result.Violation ?? "no violation"}"));
                foreach (Step step in result.Failure)
                {
                    Console.WriteLine($"  {step}");
                }
            }
        }

        return results.Exists(result => result.Violation is not null) ? 1 : 0;
    }
}
