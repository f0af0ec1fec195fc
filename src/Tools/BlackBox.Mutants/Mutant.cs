using System.Text.Json;
using System.Text.Json.Serialization;
using BlackBox.Hosting;

namespace BlackBox.Mutants;

/// <summary>One place of the source tree that a mutant changes.</summary>
/// <param name="File">relative to the repository, with '/'</param>
/// <param name="Find">text that stands there exactly once; may span lines. Empty: the file is new</param>
/// <param name="Replace">what stands there instead</param>
public sealed record MutantEdit(string File, string Find, string Replace)
{
    /// <summary>Does the mutant bring the file along?</summary>
    public bool IsNewFile => Find.Length == 0;
}

/// <summary>A planted fault: as a rule exactly one check or one clearing that is taken out.</summary>
/// <param name="Name">the name of its file without ".json"</param>
/// <param name="Removes">what is taken out, one sentence</param>
/// <param name="Edits">where</param>
/// <param name="CaughtBy">tests or attacks that have to notice, by name; may be empty</param>
/// <param name="AlsoOnHost">of a mutant for attacks: the host's tests have to notice as well</param>
public sealed record Mutant(string Name, string Removes, IReadOnlyList<MutantEdit> Edits, IReadOnlyList<string> CaughtBy, bool AlsoOnHost = false)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>All mutants of a folder, by name.</summary>
    /// <exception cref="BlackBoxException">A file is not as the format says.</exception>
    public static IReadOnlyList<Mutant> ReadAll(string folder) => Directory.Exists(folder)
        ? [.. Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal).Select(Read)]
        : [];

    /// <summary>All that the host's tests have to notice.</summary>
    /// <param name="repository">root of the source tree</param>
    /// <exception cref="BlackBoxException">A file is not as the format says.</exception>
    public static IReadOnlyList<Mutant> ReadForHost(string repository) =>
    [
        .. ReadAll(Path.Combine(repository, "tests", "Monitor", "Mutants")),
        .. ReadAll(Path.Combine(repository, "tests", "Attacks", "Mutants")).Where(mutant => mutant.AlsoOnHost),
    ];

    /// <summary>One mutant.</summary>
    /// <exception cref="BlackBoxException">The file is not as the format says.</exception>
    public static Mutant Read(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        try
        {
            var text = JsonSerializer.Deserialize<Text>(File.ReadAllBytes(path), Options);
            if (text is not { Removes.Length: > 0 } || (text.Edits ?? []).Count + (text.With ?? []).Count == 0
                || !(text.Edits ?? []).All(IsWellFormed) || !(text.With ?? []).All(IsInside))
            {
                throw new BlackBoxException($"{path}: a mutant has 'removes' and 'edits' of 'file', 'find' and 'replace' (or 'file' and 'from')");
            }

            var folder = Path.GetDirectoryName(path)!;
            var inherited = (text.With ?? []).SelectMany(other => Read(Path.Combine(folder, other + ".json")).Edits);
            return new Mutant(name, text.Removes, [.. inherited, .. (text.Edits ?? []).Select(edit => ReadEdit(edit, folder))], text.CaughtBy ?? [], text.AlsoOnHost);
        }
        catch (JsonException error)
        {
            throw new BlackBoxException($"{path}: {error.Message}", null, error);
        }
    }

    /// <summary>The text of a file with this mutant's edits in it.</summary>
    /// <exception cref="BlackBoxException">The text to find is not there, or more than once: the mutant is out of date.</exception>
    public string Apply(string file, string content)
    {
        ArgumentNullException.ThrowIfNull(content);
        foreach (var edit in Edits.Where(edit => edit.File == file && !edit.IsNewFile))
        {
            var first = content.IndexOf(edit.Find, StringComparison.Ordinal);
            if (first < 0 || content.IndexOf(edit.Find, first + 1, StringComparison.Ordinal) >= 0)
            {
                throw new BlackBoxException(
                    $"mutant {Name}: the text to find stands {(first < 0 ? "nowhere" : "more than once")} in {file}", $"adapt {Name}.json to the changed source");
            }

            content = string.Concat(content.AsSpan(0, first), edit.Replace, content.AsSpan(first + edit.Find.Length));
        }

        return content;
    }

    private static bool IsWellFormed(TextEdit edit) => IsInside(edit.File)
        && (edit.From is { } from ? IsInside(from) && edit is { Find: null, Replace: null } : edit is { Find.Count: > 0, Replace: not null });

    private static bool IsInside(string? file) => file is { Length: > 0 } && !Path.IsPathRooted(file) && !file.Split('/').Contains("..");

    private static MutantEdit ReadEdit(TextEdit edit, string folder) => edit.From is { } from
        ? new MutantEdit(edit.File, "", File.ReadAllText(Path.Combine(folder, from)))
        : new MutantEdit(edit.File, string.Join('\n', edit.Find!), string.Join('\n', edit.Replace!));

    private sealed record Text(string Removes, IReadOnlyList<TextEdit>? Edits, IReadOnlyList<string>? With, IReadOnlyList<string>? CaughtBy, bool AlsoOnHost);

    // Lines, so that a file of several lines can be read by people.
    private sealed record TextEdit(string File, IReadOnlyList<string>? Find, IReadOnlyList<string>? Replace, string? From);
}
