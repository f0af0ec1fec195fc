using System.CommandLine;
using System.Text.Json;
using BlackBox.Hosting;
using Spectre.Console;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox doctor</c>: what is missing on this host, and the command that gets it.</summary>
internal static class DoctorCommand
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    public static Command Create()
    {
        var command = new Command("doctor", "Says what is missing on this host and how to get it. Exit code 0 when everything needed is there.").WithExamples("""
            Examples:
              ./blackbox doctor
              ./blackbox doctor --fix       (the same as ./blackbox setup)
              ./blackbox doctor --json
            """);
        var json = new Option<bool>("--json") { Description = "One JSON object on standard output" };
        var fix = new Option<bool>("--fix") { Description = "Install what is missing" };
        command.Add(json);
        command.Add(fix);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(fix))
            {
                await SetupCommand.RunAsync(update: false, cancellation).ConfigureAwait(false);
            }

            var requirements = HostRequirements.Check(BlackBoxPaths.Cache);
            var healthy = requirements.All(requirement => requirement.Found || requirement.Kind == RequirementKind.Optional);
            if (parsed.GetValue(json))
            {
                WriteJson(requirements, healthy);
            }
            else
            {
                WriteTable(requirements, healthy);
            }

            return healthy ? 0 : 1;
        });
        return command;
    }

    private static void WriteJson(IReadOnlyList<Requirement> requirements, bool healthy) => Console.WriteLine(JsonSerializer.Serialize(
        new
        {
            Healthy = healthy,
            Requirements = requirements.Select(item => new
            {
                item.Name,
                Needed = item.Kind == RequirementKind.Needed,
                item.Found,
                item.Purpose,
                item.Detail,
                item.Remedy,
            }),
        },
        Json));

    private static void WriteTable(IReadOnlyList<Requirement> requirements, bool healthy)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("", "What", "For", "State");
        foreach (var item in requirements)
        {
            var mark = item.Found ? "[green]ok[/]" : item.Kind == RequirementKind.Needed ? "[red]missing[/]" : "[yellow]optional[/]";
            table.AddRow(mark, Markup.Escape(item.Name), Markup.Escape(item.Purpose), Markup.Escape(item.Detail));
        }

        AnsiConsole.Write(table);
        var packages = requirements.Where(item => !item.Found && item.DebianPackage is not null).Select(item => item.DebianPackage!).Distinct().ToList();
        if (packages.Count > 0)
        {
            Console.WriteLine($"To install what is missing:\n  {HostRequirements.AptCommand(packages)}");
        }

        foreach (var item in requirements.Where(item => !item.Found && item.DebianPackage is null))
        {
            Console.WriteLine($"{item.Name}:\n  {item.Remedy}");
        }

        Console.WriteLine(healthy ? "Everything needed is here." : "Or let ./blackbox setup do it all.");
    }
}
