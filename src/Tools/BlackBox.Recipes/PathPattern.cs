using System.Text;
using System.Text.RegularExpressions;
using BlackBox.Images;

namespace BlackBox.Recipes;

/// <summary>A pattern for paths: * is anything without a slash, ** anything, ? one character other than a slash.</summary>
public sealed class PathPattern
{
    private readonly Regex _regex;

    public PathPattern(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        Text = pattern;
        var builder = new StringBuilder("^");
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '*' && i + 1 < pattern.Length && pattern[i + 1] == '*')
            {
                builder.Append(".*");
                i++;
            }
            else
            {
                builder.Append(pattern[i] switch
                {
                    '*' => "[^/]*",
                    '?' => "[^/]",
                    var other => Regex.Escape(other.ToString()),
                });
            }
        }

        _regex = new Regex(builder.Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }

    public string Text { get; }

    /// <summary>True if there is nothing in it that could match several names.</summary>
    public bool IsLiteral => !Text.Contains('*') && !Text.Contains('?');

    public bool Matches(RootPath path) => _regex.IsMatch(path.Text);
}
