using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using BlackBox.Attestation;
using BlackBox.Cli.Commands;
using BlackBox.Hosting;

namespace BlackBox.Cli;

/// <summary>The command-line tool. Exit codes: 0 all is as it should be, 1 an error or a failed check, 2 wrong use, 130 interrupted.</summary>
internal static class Program
{
    private const int ExitError = 1;
    private const int ExitUsage = 2;
    private const int ExitInterrupted = 130;

    public static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand("BlackBox: containers that the operating system cannot look into.\n\nBegin with:  ./blackbox demo")
        {
            DemoCommand.Create(),
            RunCommand.Create(),
            DoctorCommand.Create(),
            SetupCommand.Create(),
            BuildCommand.Create(),
            ImageCommand.Create(),
            KeysCommand.Create(),
            InstallCommand.Create(),
            AttestCommand.Create(),
            MeasureCommand.Create(),
            DevCommand.Create(),
            TestCommand.Create(),
            BenchCommand.Create(),
            AttackCommand.Create(),
            AuditCommand.Create(),
        };
        Help.Install(root);

        // Ours: the handler below says the same in one line. The library's would print a stack.
        var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(10) };
        try
        {
            var parsed = root.Parse(arguments.Length == 0 ? ["--help"] : arguments);
            if (parsed.Action is ParseErrorAction)
            {
                var command = string.Join(' ', Names(parsed.CommandResult).Reverse());
                // Of several complaints the one about an unknown word explains the others.
                var messages = parsed.Errors.Select(error => string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))).ToList();
                await WriteErrorAsync(messages.Find(message => message.StartsWith("Unrecognized", StringComparison.Ordinal)) ?? messages[0], $"see ./{command} --help").ConfigureAwait(false);
                return ExitUsage;
            }

            return await parsed.InvokeAsync(configuration).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("blackbox: interrupted").ConfigureAwait(false);
            return ExitInterrupted;
        }
        catch (BlackBoxException error)
        {
            await WriteErrorAsync(error.Message, error.Advice).ConfigureAwait(false);
            return ExitError;
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            // A full disk, a folder without rights, a damaged file: the system's own message says it best.
            await WriteErrorAsync(error.Message, null).ConfigureAwait(false);
            return ExitError;
        }
    }

    private static IEnumerable<string> Names(SymbolResult? result)
    {
        for (; result is CommandResult command; result = result.Parent)
        {
            yield return command.Command.Name;
        }
    }

    private static async Task WriteErrorAsync(string message, string? advice)
    {
        await Console.Error.WriteLineAsync($"blackbox: {Shown(message)}").ConfigureAwait(false);
        if (advice is not null)
        {
            await Console.Error.WriteLineAsync($"          {Shown(advice)}").ConfigureAwait(false);
        }
    }

    /// <summary>Messages name files of images, which whoever made the image has named: nothing in them may move the terminal's cursor.</summary>
    private static string Shown(string message) => string.Join('\n', message.Split('\n').Select(Printable.Text));
}
