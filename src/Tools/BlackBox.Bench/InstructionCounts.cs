using System.Globalization;
using BlackBox.Hosting;

namespace BlackBox.Bench;

/// <summary>
/// Reads the file of the emulator's plugin (bench/counter/counter.c): for each marked stretch, how many instructions of
/// each kind were executed, in all parts of the system together.
/// </summary>
internal static class InstructionCounts
{
    /// <returns>One set of counts for each stretch, in order.</returns>
    /// <exception cref="BlackBoxException">The file is not of that form.</exception>
    public static IReadOnlyList<IReadOnlyDictionary<string, long>> Read(IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var stretches = new List<Dictionary<string, long>>();
        foreach (var line in lines)
        {
            var words = line.Split(' ');
            switch (words)
            {
                case ["stretch", var number] when number == stretches.Count.ToString(CultureInfo.InvariantCulture):
                    stretches.Add(new Dictionary<string, long> { ["instructions"] = 0 });
                    break;
                case ["class", _, var kind, var text] when stretches.Count > 0 && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count):
                    stretches[^1][kind] = stretches[^1].GetValueOrDefault(kind) + count;
                    break;
                case ["place", _, var text] when stretches.Count > 0 && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count):
                    stretches[^1]["instructions"] += count;
                    break;
                default:
                    throw new BlackBoxException($"the emulator's instruction counts cannot be read: '{line}'");
            }
        }

        return stretches;
    }
}
