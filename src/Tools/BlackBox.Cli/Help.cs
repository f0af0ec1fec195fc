using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace BlackBox.Cli;

/// <summary>Examples at the end of a command's help.</summary>
internal static class Help
{
    private static readonly ConditionalWeakTable<Command, string> Texts = [];

    /// <summary>Attaches text that <c>--help</c> prints after the options.</summary>
    public static Command WithExamples(this Command command, string text)
    {
        Texts.Add(command, text);
        return command;
    }

    /// <summary>Makes <c>--help</c> of all commands below print what was attached.</summary>
    public static void Install(RootCommand root)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        option.Action = new Action((SynchronousCommandLineAction)option.Action!);
    }

    private sealed class Action(SynchronousCommandLineAction standard) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var result = standard.Invoke(parseResult);
            if (Texts.TryGetValue(parseResult.CommandResult.Command, out var text))
            {
                Console.WriteLine(text);
                Console.WriteLine();
            }

            return result;
        }
    }
}
