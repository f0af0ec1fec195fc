using System.Globalization;
using System.Text;

namespace BlackBox.Attestation;

/// <summary>Texts out of evidence go to logs and terminals, and whoever signs evidence with a key of his own chooses them.</summary>
public static class Printable
{
    /// <summary>The text with control characters, line ends, and what changes the direction of writing as <c>\uXXXX</c>.</summary>
    public static string Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.Any(IsHarmful))
        {
            return text;
        }

        var result = new StringBuilder();
        foreach (var letter in text)
        {
            _ = IsHarmful(letter) ? result.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:X4}") : result.Append(letter);
        }

        return result.ToString();
    }

    private static bool IsHarmful(char letter) =>
        char.GetUnicodeCategory(letter) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
