using System.Globalization;
using System.Net;
using System.Text;

namespace BlackBox.Attacks;

/// <summary>The results as one HTML page without scripts or outside references.</summary>
public static class AttackReport
{
    private const string Style = """
        body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #1d2430; background: #fff }
        h1 { font-size: 1.6em } h2 { font-size: 1.15em; margin-top: 2em; text-transform: capitalize }
        table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .35em .6em; border-bottom: 1px solid #d8dde5 }
        th { font-weight: 600; background: #f3f5f8 } code { font-size: .92em }
        .ok { color: #0a6b2d } .bad { color: #b3130c; font-weight: 600 } .detail { color: #5a6475; font-size: .88em; overflow-wrap: anywhere }
        .sum { font-size: 1.15em }
        @media (prefers-color-scheme: dark) { body { background: #14181f; color: #dfe5ee } th { background: #1f2631 } th, td { border-color: #313b4a } .ok { color: #58c77d } .bad { color: #ff7b72 } .detail { color: #98a4b5 } }
        """;

    /// <param name="results">in the order in which they are to stand</param>
    /// <param name="time">how long the run took</param>
    public static string ToHtml(IReadOnlyList<AttackResult> results, TimeSpan time)
    {
        ArgumentNullException.ThrowIfNull(results);
        var page = new StringBuilder();
        void Line(FormattableString text) => page.Append(Encode(text)).Append('\n');
        var passed = results.Count(result => result.Passed);
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>BlackBox: attack report</title>\n<style>\n").Append(Style).Append("\n</style></head><body>\n");
        Line($"<h1>Attack report</h1>");
        page.Append(passed == results.Count ? "<p class=\"sum ok\">" : "<p class=\"sum bad\">");
        Line($"{passed} of {results.Count} attacks ended as required. {results.Count(result => result.ControlHolds)} controls succeeded. {time.TotalMinutes:0.0} minutes.</p>");
        Line($"<p>Each attack is run against the protected containers, and its control shows that the same act works where nothing defends: against an unprotected program, against the OS's own memory, or against a build in which exactly one check was taken out. An attack whose control does not succeed counts as failed.</p>");
        foreach (var family in results.GroupBy(result => result.Family))
        {
            Line($"<h2>{family.Key} ({family.Count(result => result.Passed)} of {family.Count()})</h2>");
            page.Append("<table><tr><th>attack</th><th>tries</th><th>control</th><th>outcome</th><th>required</th><th>result</th></tr>\n");
            foreach (var result in family)
            {
                Line($"<tr><td><code>{result.Name}</code></td><td>{result.Tries}<div class=\"detail\">{result.Detail}</div></td>");
                page.Append(result.ControlHolds ? "<td class=\"ok\">succeeded" : "<td class=\"bad\">failed");
                Line($"<div class=\"detail\">{result.Control}</div></td><td>{(result.Outcome.Length > 0 ? result.Outcome : "none")}</td><td>{string.Join(" or ", result.Required)}</td>");
                page.Append(result.Passed ? "<td class=\"ok\">passed</td></tr>\n" : "<td class=\"bad\">FAILED</td></tr>\n");
            }

            page.Append("</table>\n");
        }

        return page.Append("</body></html>\n").ToString();
    }

    // All that is put in is text.
    private static string Encode(FormattableString text) => string.Format(
        CultureInfo.InvariantCulture, text.Format,
        [.. text.GetArguments().Select(argument => argument is string word ? WebUtility.HtmlEncode(word) : argument)]);
}
