using System.CommandLine;
using BlackBox.Dev.Commands;
using BlackBox.Hosting;

namespace BlackBox.Dev;

/// <summary>Verification on the host. Exit codes: 0 nothing was violated, 1 something was, 2 wrong use.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand("Verification of the monitor and of parsers on the host, without a machine.")
        {
            ModelCommand.Create(),
            FuzzCommand.Create(),
            MutantsCommand.Create(),
        };
        try
        {
            ParseResult parsed = root.Parse(arguments);
            if (parsed.Errors.Count > 0)
            {
                await Console.Error.WriteLineAsync($"blackbox: {parsed.Errors[0].Message}").ConfigureAwait(false);
                return 2;
            }

            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        }
        catch (Exception error) when (error is BlackBoxException or IOException or FormatException)
        {
            await Console.Error.WriteLineAsync($"blackbox: {error.Message}").ConfigureAwait(false);
            return 1;
        }
    }
}
