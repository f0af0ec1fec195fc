using System.CommandLine;
using System.Globalization;
using BlackBox.Dev.Fuzzing;

namespace BlackBox.Dev.Commands;

/// <summary><c>dev fuzz</c>.</summary>
internal static class FuzzCommand
{
    public static Command Create()
    {
        var command = new Command("fuzz", "A hostile OS and hostile shields on a simulated machine: random calls of both interfaces, alone and on several CPUs that change at any memory access; or changed inputs for a parser. Exit code 0: nothing was violated.");
        var calls = new Option<long>("--calls") { Description = "Hypercalls to make, or inputs to parse", DefaultValueFactory = _ => 1_000_000, HelpName = "N" };
        var seed = new Option<ulong?>("--seed") { Description = "The same seed, the same run. Default: from the clock", HelpName = "S" };
        var cpus = new Option<int>("--cpus") { Description = "CPUs, 1 to 4", DefaultValueFactory = _ => 3, HelpName = "C" };
        var together = new Option<int>("--together") { Description = "Percentage of draws that let several CPUs run at once", DefaultValueFactory = _ => 4, HelpName = "P" };
        var seconds = new Option<int>("--seconds") { Description = "End after this time", DefaultValueFactory = _ => 86_400, HelpName = "N" };
        var target = new Option<string>("--target") { Description = "calls, or a parser", DefaultValueFactory = _ => "calls" };
        var replay = new Option<string?>("--replay") { Description = "Run the sequence of this file instead", HelpName = "FILE" };
        var output = new Option<string>("--output") { Description = "Where the sequence of a violation is written", DefaultValueFactory = _ => "fuzz-failure.txt", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON" };
        target.AcceptOnlyFromAmong(["calls", .. Parsers.ParserTargets.Names]);
        cpus.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 1 or > 4)
            {
                result.AddError("--cpus is 1 to 4");
            }
        });
        foreach (Option option in (Option[])[calls, seed, cpus, together, seconds, target, replay, output, json])
        {
            command.Add(option);
        }

        command.SetAction(parsed =>
        {
            ulong start = parsed.GetValue(seed) ?? (ulong)DateTime.UtcNow.Ticks;
            bool isJson = parsed.GetValue(json);
            if (parsed.GetValue(replay) is { } file)
            {
                return parsed.GetValue(target) is { } parser and not "calls" ? ParserCommand.Replay(parser, file) : Replay(file);
            }

            var time = TimeSpan.FromSeconds(parsed.GetValue(seconds));
            string what = parsed.GetValue(target)!;
            return what == "calls"
                ? Calls(new FuzzOptions(parsed.GetValue(calls), start, parsed.GetValue(cpus), parsed.GetValue(together), time), parsed.GetValue(output)!, isJson)
                : ParserCommand.Run(what, parsed.GetValue(calls), start, time, parsed.GetValue(output)!, isJson);
        });
        return command;
    }

    private static int Calls(FuzzOptions options, string output, bool isJson)
    {
        long next = 0;
        FuzzResult result = new Fuzzer(options).Run(calls =>
        {
            if (calls >= next)
            {
                next = calls + 1_000_000;
                Console.Error.WriteLine($"{calls} calls");
            }
        });
        if (result.Failure is not null)
        {
            ReplayFile.Write(output, options.Cpus, options.Seed, result.Violation!, result.Failure);
        }

        double rate = Math.Round(result.Calls / Math.Max(result.Time.TotalSeconds, 0.001));
        if (isJson)
        {
            Json.Print(new
            {
                command = "fuzz",
                target = "calls",
                seed = options.Seed,
                cpus = options.Cpus,
                calls = result.Calls,
                callsTogether = result.CallsTogether,
                switches = result.Switches,
                sequences = result.Sequences,
                coverage = result.Coverage,
                violations = result.Violation is null ? 0 : 1,
                violation = result.Violation,
                replay = result.Failure is null ? null : Path.GetFullPath(output),
                seconds = Math.Round(result.Time.TotalSeconds, 1),
                callsPerSecond = rate,
                outcomes = result.Outcomes,
            });
        }
        else
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"seed {options.Seed}: {result.Calls} calls ({result.CallsTogether} while others ran, {result.Switches} switches), {result.Sequences} sequences, coverage {result.Coverage}, {result.Time.TotalSeconds:0.0} s, {rate}/s"));
            Console.WriteLine(result.Violation ?? "no violation");
            if (result.Failure is not null)
            {
                Console.WriteLine($"{result.Failure.Count} steps, written to {output}; again: dev fuzz --replay {output}");
            }
        }

        return result.Violation is null ? 0 : 1;
    }

    private static int Replay(string file)
    {
        (int cpus, IReadOnlyList<Step> steps) = ReplayFile.Read(file);
        string? violation = Shrinker.Try(cpus, steps);
        Console.WriteLine(violation ?? "no violation");
        return violation is null ? 0 : 1;
    }
}
