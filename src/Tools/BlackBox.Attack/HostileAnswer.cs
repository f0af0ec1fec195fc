using System.Globalization;

namespace BlackBox.Attacks;

/// <summary>Output of the program <c>hostile</c>: lines "name value".</summary>
internal sealed class HostileAnswer
{
    private readonly List<(string Name, string Value)> _lines = [];

    public HostileAnswer(string text)
    {
        Text = text;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            _lines.Add(space < 0 ? (line, "") : (line[..space], line[(space + 1)..]));
        }
    }

    public string Text { get; }

    /// <summary>The kernel would not do what was asked: errno.</summary>
    public int? Error => Has("error") ? (int)this["error"] : null;

    public bool Has(string name) => _lines.Any(line => line.Name == name);

    /// <summary>First value of that name.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public ulong this[string name] => Values(name) is [var first, ..] ? first : throw new InvalidDataException($"no '{name}' in: {Text.ReplaceLineEndings(" | ")}");

    /// <summary>x0 of a call as a signed number.</summary>
    public long Status => unchecked((long)this["x0"]);

    public IReadOnlyList<ulong> Values(string name) => [.. _lines.Where(line => line.Name == name).Select(line => Number(line.Value))];

    public IReadOnlyList<string> Lines(string name) => [.. _lines.Where(line => line.Name == name).Select(line => line.Value)];

    /// <summary>Signals that the attacker's threads got.</summary>
    public IReadOnlyList<ulong> Signals => [.. Values("signal"), .. Values("killed")];

    public static ulong Number(string text)
    {
        text = text.Split(' ')[0];
        return text.StartsWith("0x", StringComparison.Ordinal) ? ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : text.StartsWith('-') ? unchecked((ulong)long.Parse(text, CultureInfo.InvariantCulture))
            : ulong.Parse(text, CultureInfo.InvariantCulture);
    }
}
