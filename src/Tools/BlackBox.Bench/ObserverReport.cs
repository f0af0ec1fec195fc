using System.Globalization;

namespace BlackBox.Bench;

/// <summary>What the observer in the guest said (bench/guest/observe.c).</summary>
/// <param name="Operations">How many operations were measured; 0 when nothing was.</param>
/// <param name="Time">Nanoseconds of all operations together.</param>
/// <param name="Counts">Differences of the monitor's counters over the measured part; empty without a monitor.</param>
/// <param name="Levels">Values at the end, in bytes.</param>
/// <param name="Output">Lines that the command itself wrote.</param>
internal sealed record ObserverReport(
    long Operations, long Time, IReadOnlyDictionary<string, long> Counts, IReadOnlyDictionary<string, long> Levels, IReadOnlyList<string> Output)
{
    /// <summary>Reads the observer's lines. Lines of any other form are kept as output: they help to find out what went wrong.</summary>
    public static ObserverReport Parse(string text)
    {
        var counts = new Dictionary<string, long>();
        var levels = new Dictionary<string, long>();
        var output = new List<string>();
        long operations = 0, time = 0;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var words = line.Split(' ', 3);
            if (words is ["measured", var first, var second] && IsCount(first, out var number) && number > 0 && IsCount(second, out var nanoseconds))
            {
                (operations, time) = (number, nanoseconds);
            }
            else if (words is ["count", var name, var difference] && long.TryParse(difference, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count))
            {
                counts[name] = count;
            }
            else if (words is ["level", var level, var value] && IsCount(value, out var bytes))
            {
                levels[level] = bytes;
            }
            else
            {
                output.Add(line.StartsWith("output ", StringComparison.Ordinal) ? line["output ".Length..] : line);
            }
        }

        return new ObserverReport(operations, time, counts, levels, output);
    }

    /// <summary>
    /// Requests per second that redis-benchmark --csv gives for a test (its second column), or null. The first column is
    /// the test's name.
    /// </summary>
    public double? RequestRate(string test)
    {
        foreach (var line in Output)
        {
            var fields = line.Split(',').Select(field => field.Trim('"')).ToList();
            if (fields.Count >= 2 && fields[0] == test &&
                double.TryParse(fields[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate) && rate > 0)
            {
                return rate;
            }
        }

        return null;
    }

    private static bool IsCount(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
