using System.Globalization;
using System.Text.RegularExpressions;

namespace BlackBox.Shield.Calls.Generator;

/// <summary>
/// Four bytes for an argument: kind | written &lt;&lt; 4 | nullable &lt;&lt; 7; index of the argument that holds the size, plus one (0: fixed);
/// unit, two bytes little-endian. The shield's Calls/ArgumentRule.cs reads them.
/// </summary>
internal static partial class ArgumentCode
{
    private static readonly string[] Kinds = ["zero", "value", "fd", "path", "in", "out", "inout"];

    public static byte[] Encode(string text)
    {
        Match match = Pattern().Match(text);
        if (!match.Success)
        {
            throw new FormatException($"argument '{text}' is not of the language");
        }

        int kind = Array.IndexOf(Kinds, match.Groups["kind"].Value);
        int written = match.Groups["written"].Value switch
        {
            "" => 0,
            "eintr" => 2,
            _ => 1,
        };
        int nullable = match.Groups["null"].Success ? 0x80 : 0;
        int index = match.Groups["arg"].Success ? Number(match.Groups["arg"]) + 1 : 0;
        int unit = match.Groups["fixed"].Success ? Number(match.Groups["fixed"])
            : match.Groups["times"].Success ? Number(match.Groups["times"]) : 1;
        bool needsSize = kind >= 4;
        if (needsSize != match.Groups["size"].Success || kind < 0 || index > 6 || unit > ushort.MaxValue)
        {
            throw new FormatException($"argument '{text}' is malformed");
        }

        // A result counted in units: the unit of the result is the unit of the size.
        if (match.Groups["resultunit"].Success && Number(match.Groups["resultunit"]) != unit)
        {
            throw new FormatException($"argument '{text}': units differ");
        }

        return [(byte)(kind | (written << 4) | nullable), (byte)index, (byte)unit, (byte)(unit >> 8)];
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<kind>zero|value|fd|path|inout|in|out)(?<null>\?)?(:(?<size>(?<fixed>\d+)|arg(?<arg>[0-5])(\*(?<times>\d+))?)(=(?<written>eintr|result(\*(?<resultunit>\d+))?))?)?$")]
    private static partial Regex Pattern();
}
