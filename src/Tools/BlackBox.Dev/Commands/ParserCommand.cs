namespace BlackBox.Dev.Commands;

internal static class ParserCommand
{
    public static int Run(string target, long inputs, ulong seed, TimeSpan time, bool isJson) => 0;
}
