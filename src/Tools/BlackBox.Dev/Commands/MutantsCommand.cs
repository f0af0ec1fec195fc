using System.CommandLine;

namespace BlackBox.Dev.Commands;

internal static class MutantsCommand
{
    public static Command Create() => new("mutants");
}
