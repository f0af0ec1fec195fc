using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BlackBox.Building;
using BlackBox.Demo;
using Spectre.Console;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox demo</c>: what BlackBox is for, shown in one run.</summary>
internal static class DemoCommand
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    public static Command Create()
    {
        var command = new Command("demo", "Boots a machine through firmware, Secure Boot and TPM, and runs a program with a secret, natively and protected; protected it proves what it is with evidence, which is verified. Each time root dumps all memory with a module of its own; then the dump is searched for the secret. Also shows redis in a protected container. Exit code 0 only if every part is as it should be.").WithExamples("""
            Examples:
              ./blackbox demo
              ./blackbox demo --json
            """);
        var json = new Option<bool>("--json") { Description = "One JSON object on standard output" };
        var monitor = new Option<string?>("--monitor") { Description = "Flat monitor image to start directly, without boot chain and evidence (default: the one that is built, through the whole chain)", HelpName = "FILE" };
        command.Add(json);
        command.Add(monitor);
        command.SetAction(async (parsed, cancellation) =>
        {
            var result = await StepDisplay.RunAsync(async progress =>
            {
                var guest = await SetupCommand.RunAsync(update: false, progress, cancellation).ConfigureAwait(false);
                var build = new ProductBuild(guest.Kernel, progress);
                return await new Demonstration(guest, build, progress).RunAsync(parsed.GetValue(monitor), cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(result, Json));
            }
            else
            {
                Write(result);
            }

            return result.Passed ? 0 : 1;
        });
        return command;
    }

    private static void Write(DemoResult result)
    {
        var table = new Table().Border(TableBorder.Rounded).Title("Root dumped all memory and looked for the secret").AddColumns("", "Where the secret was", "Result");
        void Row(bool good, string what, string text) => table.AddRow(good ? "[green]ok[/]" : "[red]failed[/]", Markup.Escape(what), Markup.Escape(text));
        Row(result.Native.Hits > 0, "native: in a container of stock runc", Found(result.Native));
        Row(result.Protected.Hits == 0, "protected: in the same container under BlackBox", Found(result.Protected));
        Row(result.Canary.Hits > 0, "canary: in an ordinary process beside that one", Found(result.Canary));
        if (result.Memory is { } memory)
        {
            Row(memory.IsBalanced, "all of RAM in the protected run",
                $"{Bytes(memory.Total)} total = {Bytes(memory.Dumped)} dumped + {Bytes(memory.Refused)} refused\n{Bytes(memory.Refused)} refused = {Bytes(memory.Granted)} of containers + {Bytes(memory.Monitor)} of the monitor");
        }
        else
        {
            Row(false, "all of RAM in the protected run", "no account");
        }

        Row(result.IsDirect || result.Evidence == EvidenceResult.Verified, "evidence of the protected program, by firmware, TPM and monitor",
            result.Evidence != EvidenceResult.Verified ? Short(result.Evidence)
            : $"verified; Secure Boot {(result.SecureBoot ? "on" : "OFF")}, devices {(result.DmaProtection ? "confined" : "NOT CONFINED")}");
        Row(result.Redis.Answered, "redis in a protected container, asked from outside", Short(result.Redis.Detail));
        AnsiConsole.Write(table);
        Console.WriteLine(result.Passed ? "Everything is as it should be." : "Not everything is as it should be.");
        foreach (var failure in ((string?[])[result.Native.Failure, result.Protected.Failure, result.Redis.Answered ? null : result.Redis.Detail]).OfType<string>())
        {
            Console.Error.WriteLine($"blackbox: {failure}");
        }
    }

    private static string Found(SearchResult search) => search switch
    {
        { Failure: { } failure } => Short(failure),
        { Hits: 0 } => "found nowhere",
        { Hits: 1 } => "found at 1 place",
        _ => string.Create(CultureInfo.InvariantCulture, $"found at {search.Hits} places"),
    };

    private static string Short(string text) => text.Split('\n')[0] is { Length: > 90 } line ? line[..87] + "..." : text.Split('\n')[0];

    private static string Bytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024:N0} KiB");
}
