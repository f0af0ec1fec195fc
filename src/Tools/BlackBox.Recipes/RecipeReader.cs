using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Recipes;

/// <summary>Reads and checks recipe files.</summary>
public static partial class RecipeReader
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>Names of the recipes that come with the repository.</summary>
    public static IReadOnlyList<string> Shipped(string repository) =>
        [.. Directory.EnumerateFiles(Path.Combine(repository, "recipes"), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>Takes the path of a recipe file, or the name of one that comes with the repository.</summary>
    /// <exception cref="BlackBoxException">There is none, or it is not valid.</exception>
    public static Recipe Find(string nameOrPath, string? repository)
    {
        if (File.Exists(nameOrPath))
        {
            return Read(nameOrPath);
        }

        if (repository is not null && Name().IsMatch(nameOrPath))
        {
            var shipped = Path.Combine(repository, "recipes", nameOrPath + ".json");
            if (File.Exists(shipped))
            {
                return Read(shipped);
            }
        }

        throw new BlackBoxException($"there is no recipe '{nameOrPath}'",
            repository is null ? "name a recipe file" : $"name a recipe file, or one of: {string.Join(", ", Shipped(repository))}");
    }

    /// <exception cref="BlackBoxException">The file is not a valid recipe; the message says where.</exception>
    public static Recipe Read(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path), Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception error) when (error is JsonException or InvalidDataException or FormatException)
        {
            throw new BlackBoxException($"{path} is not a valid recipe: {error.Message}", null, error);
        }
    }

    /// <exception cref="JsonException">Not JSON, an unknown or missing name, a value of a wrong type.</exception>
    /// <exception cref="InvalidDataException">A value that makes no sense.</exception>
    public static Recipe Parse(ReadOnlySpan<byte> json, string folder)
    {
        var recipe = (JsonSerializer.Deserialize<Recipe>(json, Options) ?? throw new InvalidDataException("it is empty")) with { Folder = folder };
        Check(Name().IsMatch(recipe.Name), $"the name '{recipe.Name}' must be two or more of a-z, 0-9 and dashes");
        Check(recipe.Packages.Count > 0, "it names no packages");
        Check(recipe.Entrypoint.Count == 0 || recipe.Entrypoint[0].StartsWith('/'), "the entry point's program must be an absolute path");
        foreach (var path in recipe.Files.Keys.Concat(recipe.Directories.Keys).Concat(recipe.Links.Keys).Concat(recipe.Include).Concat(recipe.Exclude)
            .Concat(recipe.Protection.Writable).Concat(recipe.Protection.Clear).Append(recipe.WorkingDirectory))
        {
            Check(path.StartsWith('/'), $"'{path}' must begin with a slash");
            _ = RootPath.Parse(path);
        }

        foreach (var (path, file) in recipe.Files)
        {
            Check(file.Text is null != file.Source is null, $"{path} must have either 'text' or 'source'");
            _ = ParseMode(file.Mode);
            _ = ParseOwner(file.Owner);
        }

        foreach (var directory in recipe.Directories.Values)
        {
            _ = ParseMode(directory.Mode);
            _ = ParseOwner(directory.Owner);
        }

        foreach (var (name, value) in recipe.Environment)
        {
            Check(name.Length > 0 && !name.Contains('=') && !name.Contains('\0') && !value.Contains('\0'), $"'{name}' is not a name for an environment variable");
        }

        Check(recipe.Entrypoint.Concat(recipe.Command).All(word => !word.Contains('\0')), "an argument holds a NUL character");
        Check(recipe.Ports.All(port => port is >= 1 and <= 65535), "ports go from 1 to 65535");
        Check(recipe.Protection is { Memory: >= 0, Processes: >= 0 }, "limits are not negative");
        _ = ParseOwner(recipe.User);
        return recipe;
    }

    internal static int ParseMode(string text)
    {
        Check(Octal().IsMatch(text), $"'{text}' is not a mode in octal, like 0644");
        return Convert.ToInt32(text, 8);
    }

    internal static (int User, int Group) ParseOwner(string text)
    {
        var parts = text.Split(':');
        Check(parts.Length == 2 && int.TryParse(parts[0], out var user) && user >= 0 & int.TryParse(parts[1], out var group) && group >= 0,
            $"'{text}' is not an owner like 0:0");
        return (int.Parse(parts[0]), int.Parse(parts[1]));
    }

    private static void Check(bool condition, string complaint)
    {
        if (!condition)
        {
            throw new InvalidDataException(complaint);
        }
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]+$")]
    private static partial Regex Name();

    [GeneratedRegex("^0?[0-7]{3,4}$")]
    private static partial Regex Octal();
}
