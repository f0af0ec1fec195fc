using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BlackBox.Bench;
using BlackBox.Building;
using BlackBox.Hosting;
using Spectre.Console;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox bench</c>: what protection costs.</summary>
internal static class BenchCommand
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    // Of all events, those that fit on a line for people; --json has all.
    private static readonly (string Name, string Label)[] Shown =
    [
        ("exits", "exits to EL2"), ("worldSwitches", "world switches"), ("osCalls", "calls forwarded"), ("registerWrites", "register writes"), ("barriers", "barriers"),
        ("tlbInvalidations", "TLBIs"), ("cacheOperations", "cache operations"), ("blockZeroings", "zeroed blocks"), ("bytesScrubbed", "bytes scrubbed"),
    ];

    public static Command Create()
    {
        var command = new Command("bench", "Runs the same containers natively and protected, on one CPU in machines that count instructions (1 instruction = 1 ns), and compares. Exit code 0 only if all was measured and every goal is met.").WithExamples($"""
            Examples:
              ./blackbox bench
              ./blackbox bench --only os-call,fork-exit-1m
              ./blackbox bench --json > result.json
              ./blackbox bench --io --pairs 5
              ./blackbox bench --boot

            Names: {string.Join(", ", BenchmarkDefinition.All.Select(benchmark => benchmark.Name))}.
            Method and latest results: docs/benchmarks.md.
            """);
        var json = new Option<bool>("--json") { Description = "One JSON object on standard output" };
        var only = new Option<string[]>("--only") { Description = "Only these, separated by commas", HelpName = "NAME,...", AllowMultipleArgumentsPerToken = true };
        only.Validators.Add(result =>
        {
            var unknown = Names(result.GetValueOrDefault<string[]>()).FirstOrDefault(name => BenchmarkDefinition.All.All(benchmark => benchmark.Name != name));
            if (unknown is not null)
            {
                result.AddError($"there is no benchmark '{unknown}'");
            }
        });
        var monitor = new Option<string?>("--monitor") { Description = "Monitor image to start (default: the one that is built)", HelpName = "FILE" };
        var io = new Option<bool>("--io") { Description = "Instead: disk and network of the machine itself, by turns without and with the monitor, by this host's clock" };
        var pairs = new Option<int>("--pairs") { Description = "Turns of each transfer with --io", DefaultValueFactory = _ => 7 };
        pairs.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1000)
            {
                result.AddError("--pairs: 1 to 1000");
            }
        });
        var boot = new Option<bool>("--boot") { Description = "Instead: instructions from power-on to a program in a protected container, by UEFI firmware and directly" };
        command.Add(boot);
        command.Add(io);
        command.Add(pairs);
        command.Add(json);
        command.Add(only);
        command.Add(monitor);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(io))
            {
                if (Names(parsed.GetValue(only)).Any())
                {
                    throw new BlackBoxException("--io measures all transfers: it does not go with --only");
                }

                return await TransfersAsync(parsed.GetValue(monitor), parsed.GetValue(pairs), parsed.GetValue(json), cancellation).ConfigureAwait(false);
            }

            if (parsed.GetValue(boot))
            {
                return await BootAsync(parsed.GetValue(json), cancellation).ConfigureAwait(false);
            }

            var names = Names(parsed.GetValue(only)).ToHashSet();
            var report = await StepDisplay.RunAsync(async progress =>
            {
                var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
                var build = new ProductBuild(guest.Kernel, progress);
                var image = parsed.GetValue(monitor) ?? await build.MonitorAsync(cancellation).ConfigureAwait(false);
                var benchmarks = BenchmarkDefinition.All.Where(benchmark => names.Count == 0 || names.Contains(benchmark.Name)).ToList();
                return await new Benchmark(guest, build, progress).RunAsync(benchmarks, Path.GetFullPath(image), cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(report, Json));
            }
            else
            {
                Write(report);
            }

            return report.Passed ? 0 : 1;
        });
        return command;
    }

    private static async Task<int> TransfersAsync(string? monitor, int pairs, bool json, CancellationToken cancellation)
    {
        var results = await StepDisplay.RunAsync(async progress =>
        {
            var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
            var build = new ProductBuild(guest.Kernel, progress);
            var image = monitor ?? await build.MonitorAsync(cancellation).ConfigureAwait(false);
            return await new TransferBenchmark(guest, build, progress).RunAsync(Path.GetFullPath(image), pairs, cancellation).ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(results, Json));
            return 0;
        }

        var table = new Table().Border(TableBorder.Rounded).Title("Transfers with the monitor against without, for each 64 KiB, median of pairs")
            .AddColumns("", "µs without", "µs with", "Ratio", "exits to EL2", "SMMU commands", "DMA faults");
        foreach (var result in results)
        {
            table.AddRow(
                result.Name, Number(result.Native / 1000), Number(result.Protected / 1000), string.Create(CultureInfo.InvariantCulture, $"{result.Ratio:0.00}"),
                Number(result.Counts["exits"]), Number(result.Counts["smmuCommands"]), Number(result.Counts["dmaFaults"]));
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static async Task<int> BootAsync(bool json, CancellationToken cancellation)
    {
        var result = await StepDisplay.RunAsync(async progress =>
        {
            var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
            return await new BootBenchmark(guest, new ProductBuild(guest.Kernel, progress), progress).RunAsync(cancellation).ConfigureAwait(false);
        }).ConfigureAwait(false);
        Console.WriteLine(json
            ? JsonSerializer.Serialize(result, Json)
            : string.Create(CultureInfo.InvariantCulture,
                $"boot: {result.Direct:N0} instructions directly, {result.Firmware:N0} by firmware, ratio {result.Ratio:0.00}, goal at most {BootResult.Goal:0.##}x: {(result.IsMet ? "ok" : "missed")}"));
        return result.IsMet ? 0 : 1;
    }

    private static IEnumerable<string> Names(string[]? values) =>
        (values ?? []).SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static void Write(BenchmarkReport report)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("Protected against native, instructions counted").AddColumns("", "Unit", "Native", "Protected", "Ratio", "Goal", "");
        foreach (var column in table.Columns.Skip(2).Take(3))
        {
            column.RightAligned();
        }

        foreach (var result in report.Results)
        {
            var state = result.Failure is not null ? "[red]failed[/]" : result.Met switch { true => "[green]ok[/]", false => "[red]missed[/]", null => "" };
            table.AddRow(
                Markup.Escape(result.Name), Markup.Escape(result.Unit), Number(result.Native), Number(result.Protected),
                result.Ratio is { } ratio ? string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00}") : "-", Goal(result.Goal), state);
        }

        AnsiConsole.Write(table);
        Console.WriteLine("What silicon charges for, for each operation, protected (native):");
        foreach (var result in report.Results.Where(result => result.Events.Count > 0))
        {
            Console.WriteLine($"  {result.Name}: {Events(result.Events)}");
        }

        foreach (var text in report.Notes.Concat(report.Results.Where(result => result.Failure is not null).Select(result => $"{result.Name}: {result.Failure}")))
        {
            Console.Error.WriteLine($"blackbox: {text}");
        }
    }

    private static string Goal(BenchmarkGoal? goal) => goal switch
    {
        { MostRatio: { } most } => string.Create(CultureInfo.InvariantCulture, $"at most {most:0.##}x"),
        { LeastRatio: { } least } => string.Create(CultureInfo.InvariantCulture, $"at least {least:0.##}x"),
        { MostExtra: { } extra } => string.Create(CultureInfo.InvariantCulture, $"at most + {extra:N0}"),
        _ => "",
    };

    /// <summary>Counted instructions tell of both halves; the monitor's own counters stand in where instructions were not counted.</summary>
    private static string Events(IReadOnlyDictionary<string, double> events) => string.Join(", ", Shown
        .Select(item => events.TryGetValue($"protected.{item.Name}", out var counted)
            ? $"{Number(counted)} ({Number(events.GetValueOrDefault($"native.{item.Name}"))}) {item.Label}"
            : events.TryGetValue(item.Name, out var count) ? $"{Number(count)} {item.Label}" : null)
        .OfType<string>());

    private static string Number(double? value) => value switch
    {
        null => "-",
        >= 1000 or <= -1000 => string.Create(CultureInfo.InvariantCulture, $"{value:N0}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value:0.##}"),
    };
}
