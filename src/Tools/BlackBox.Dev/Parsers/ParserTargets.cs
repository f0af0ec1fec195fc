namespace BlackBox.Dev.Parsers;

internal static class ParserTargets
{
    public static string[] Names { get; } = ["dtb", "elf", "manifest"];
}
