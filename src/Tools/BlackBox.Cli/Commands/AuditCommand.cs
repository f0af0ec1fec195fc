using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BlackBox.Emulation;
using BlackBox.Hosting;
using Spectre.Console;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox audit</c>: what the monitor of a running machine refused.</summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        var command = new Command("audit", "Shows what the monitor of a running machine refused, newest last: its last 63 records. On a server: blackbox-runtime audit.").WithExamples("""
            Examples:
              ./blackbox audit                     while ./blackbox run goes on in another window
              ./blackbox audit --machine 4711      of several: the one of this process
              ./blackbox audit --json              {"written": N, "records": [...]}, described in docs/monitor.md
            """);
        var process = new Option<int?>("--machine") { Description = "Process id of the blackbox run (needed when there are several)", HelpName = "PID" };
        var json = new Option<bool>("--json") { Description = "One JSON object on standard output" };
        command.Add(process);
        command.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            var answer = await RunningMachine.Choose(parsed.GetValue(process)).AskAsync("audit", cancellation).ConfigureAwait(false);
            JsonDocument document;
            try
            {
                document = JsonDocument.Parse(answer);
            }
            catch (JsonException error)
            {
                throw new BlackBoxException("the guest's answer is no JSON", null, error);
            }

            using (document)
            {
                if (parsed.GetValue(json))
                {
                    Console.WriteLine(JsonSerializer.Serialize(document.RootElement));
                }
                else
                {
                    WriteTable(document.RootElement);
                }
            }

            return 0;
        });
        return command;
    }

    private static void WriteTable(JsonElement ring)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("", "Seconds", "CPU", "Enclave", "Rule", "Call", "Argument", "Outcome", "Left out before");
        if (!ring.TryGetProperty("records", out var records) || records.ValueKind != JsonValueKind.Array)
        {
            throw new BlackBoxException("the guest's answer has no records");
        }

        foreach (var record in records.EnumerateArray())
        {
            table.AddRow([.. new[] { "number", "seconds", "cpu", "enclave", "rule", "call", "argument", "outcome", "suppressed" }.Select(name => Markup.Escape(Text(record, name)))]);
        }

        if (records.GetArrayLength() > 0)
        {
            AnsiConsole.Write(table);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Noted since the machine started: {Text(ring, "written")}."));
    }

    private static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.ToString() : "";
}
