using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BlackBox.Attacks;
using BlackBox.Hosting;
using Spectre.Console;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox attack</c>: the attack suite.</summary>
internal static class AttackCommand
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    public static Command Create()
    {
        var command = new Command("attack", "Attacks protected containers with a hostile kernel module, hostile root programs and hostile containers, each attack with a control that shows that it works where nothing defends. Exit code 0 only if every attack ended as required and every control succeeded.").WithExamples("""
            Examples:
              ./blackbox attack
              ./blackbox attack --list
              ./blackbox attack --family gate --html report.html
              ./blackbox attack --only memory-after-kill,call-fuzz --rounds 5 --json
            """);
        var only = new Option<string?>("--only") { Description = "Only attacks whose name contains one of these words", HelpName = "NAME,..." };
        var family = new Option<string?>("--family") { Description = "Only attacks of this family", HelpName = "FAMILY" };
        var rounds = new Option<int>("--rounds") { Description = "Run all that often; an attack passes if it passes each time", HelpName = "N", DefaultValueFactory = _ => 1 };
        var machines = new Option<int>("--machines") { Description = "Machines to attack side by side, 1 to 8", HelpName = "N", DefaultValueFactory = _ => 2 };
        var monitor = new Option<string?>("--monitor") { Description = "Monitor image to attack (default: the one that is built)", HelpName = "FILE" };
        var html = new Option<string?>("--html") { Description = "Writes a report to this file", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "A list of objects on standard output" };
        var list = new Option<bool>("--list") { Description = "Says which attacks there are, and runs none" };
        rounds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1000)
            {
                result.AddError("--rounds is a number from 1 to 1000");
            }
        });
        machines.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 8)
            {
                result.AddError("--machines is a number from 1 to 8");
            }
        });
        foreach (var option in (Option[])[only, family, rounds, machines, monitor, html, json, list])
        {
            command.Add(option);
        }

        command.SetAction((parsed, cancellation) =>
        {
            var options = new AttackOptions
            {
                Only = parsed.GetValue(only)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
                Family = parsed.GetValue(family),
                Rounds = parsed.GetValue(rounds),
                Machines = parsed.GetValue(machines),
                Monitor = parsed.GetValue(monitor) is { } file ? Path.GetFullPath(file) : null,
            };
            return parsed.GetValue(list) ? Task.FromResult(List(options, parsed.GetValue(json))) : RunAsync(options, parsed.GetValue(html), parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static int List(AttackOptions options, bool json)
    {
        var attacks = AttackSuite.Select(options);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                attacks.Select(attack => new { name = attack.Name, family = attack.Family, tries = attack.Tries, control = attack.ControlText }),
                Json));
            return 0;
        }

        foreach (var group in attacks.GroupBy(attack => attack.Family))
        {
            Console.WriteLine($"{group.Key} ({group.Count()})");
            foreach (var attack in group)
            {
                Console.WriteLine($"  {attack.Name}: {attack.Tries}");
            }
        }

        Console.WriteLine($"{attacks.Count} attacks");
        return 0;
    }

    private static async Task<int> RunAsync(AttackOptions options, string? html, bool json, CancellationToken cancellation)
    {
        if (AttackSuite.Select(options).Count == 0)
        {
            throw new BlackBoxException("no attack matches", "see ./blackbox attack --list");
        }

        var clock = Stopwatch.StartNew();
        var results = await StepDisplay.RunAsync(async progress =>
        {
            var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
            return await AttackSuite.RunAsync(options, guest, progress, result => Announce(result), cancellation).ConfigureAwait(false);
        }).ConfigureAwait(false);
        var failed = results.Count(result => !result.Passed);
        var report = Path.Combine(BlackBoxPaths.Repository, "artifacts", "attacks", "report.html");
        await WriteAsync(report, AttackReport.ToHtml(results, clock.Elapsed)).ConfigureAwait(false);
        await WriteAsync(Path.ChangeExtension(report, "json"), AttackResult.ToJson(results)).ConfigureAwait(false);
        if (html is not null)
        {
            await WriteAsync(Path.GetFullPath(html), AttackReport.ToHtml(results, clock.Elapsed)).ConfigureAwait(false);
        }

        if (json)
        {
            Console.WriteLine(AttackResult.ToJson(results));
            return failed == 0 ? 0 : 1;
        }

        Write(results);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{results.Count - failed} passed, {failed} failed, {clock.Elapsed.TotalMinutes:0.0} minutes. Report: {html ?? report}"));
        return failed == 0 ? 0 : 1;

        // What fails is worth knowing at once.
        void Announce(AttackResult result)
        {
            if (!result.Passed && !json && Console.IsErrorRedirected)
            {
                Console.Error.WriteLine($"FAILED {result.Name}: {result.Outcome}, control {(result.ControlHolds ? "succeeded" : "failed")}: {result.Detail}");
            }
        }
    }

    private static async Task WriteAsync(string path, string text) => await AtomicOutput.WriteFileByNameAsync(path, file => File.WriteAllTextAsync(file, text)).ConfigureAwait(false);

    private static void Write(IReadOnlyList<AttackResult> results)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("", "Attack", "Outcome", "Required", "Control", "s");
        foreach (var family in results.GroupBy(result => result.Family))
        {
            table.AddRow("", $"[bold]{Markup.Escape(family.Key)}[/]", "", "", "", "");
            foreach (var result in family)
            {
                table.AddRow(
                    result.Passed ? "[green]ok[/]" : "[red]FAILED[/]", Markup.Escape(result.Name), Markup.Escape(result.Outcome.Length > 0 ? result.Outcome : "none"), Markup.Escape(string.Join(", ", result.Required)),
                    result.ControlHolds ? "succeeded" : "[red]failed[/]", result.Seconds.ToString("0.0", CultureInfo.InvariantCulture));
            }
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 160;
        }

        AnsiConsole.Write(table);
        foreach (var result in results.Where(result => !result.Passed))
        {
            Console.WriteLine($"{result.Name}: {result.Tries}\n  {result.Detail.ReplaceLineEndings("\n  ")}");
        }
    }
}
