using System.Text.Json.Serialization;
using BlackBox.Images;

namespace BlackBox.Recipes;

/// <summary>A file that the recipe itself brings: either its text, line by line, or a file beside the recipe.</summary>
public sealed record RecipeFileEntry
{
    /// <summary>The content as lines; each gets a line feed.</summary>
    public IReadOnlyList<string>? Text { get; init; }

    /// <summary>A file relative to the recipe's folder.</summary>
    public string? Source { get; init; }

    /// <summary>Permission bits in octal, as chmod takes them.</summary>
    public string Mode { get; init; } = "0644";

    /// <summary>Numeric "user:group".</summary>
    public string Owner { get; init; } = "0:0";
}

/// <summary>A folder that must exist.</summary>
public sealed record RecipeDirectory
{
    /// <inheritdoc cref="RecipeFileEntry.Mode"/>
    public string Mode { get; init; } = "0755";

    /// <inheritdoc cref="RecipeFileEntry.Owner"/>
    public string Owner { get; init; } = "0:0";
}

/// <summary>What a protected container made from the recipe may do; see <see cref="ProtectionRules"/>.</summary>
public sealed record RecipeProtection
{
    public FreedomRule Arguments { get; init; } = FreedomRule.Prefix;

    public FreedomRule Environment { get; init; } = FreedomRule.Prefix;

    public bool Jit { get; init; }

    public bool Exec { get; init; }

    /// <summary>Paths at and below which the container may change files.</summary>
    public IReadOnlyList<string> Writable { get; init; } = [];

    /// <summary>Paths at and below which all files are the OS's own.</summary>
    public IReadOnlyList<string> Clear { get; init; } = [];

    /// <summary>Most memory in MiB; 0: no limit.</summary>
    public int Memory { get; init; }

    /// <summary>Most processes at one time; 0: no limit.</summary>
    public int Processes { get; init; }
}

/// <summary>
/// A recipe: JSON in which comments and trailing commas are allowed and unknown names are an error. See recipes/README.md.
/// </summary>
public sealed record Recipe
{
    /// <summary>Lower-case letters, digits and dashes, two characters or more.</summary>
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>Debian packages for arm64. What they depend on is looked at too.</summary>
    public required IReadOnlyList<string> Packages { get; init; }

    /// <summary>
    /// Patterns of the files to take out of the packages: * stands for anything but a slash, ** for anything. Shared
    /// libraries and loaders that a chosen ELF file needs come along by themselves.
    /// </summary>
    public required IReadOnlyList<string> Include { get; init; }

    /// <summary>Patterns of files to leave out although they are included.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    public IReadOnlyDictionary<string, RecipeFileEntry> Files { get; init; } = new Dictionary<string, RecipeFileEntry>();

    public IReadOnlyDictionary<string, RecipeDirectory> Directories { get; init; } = new Dictionary<string, RecipeDirectory>();

    /// <summary>Symbolic links: path to target.</summary>
    public IReadOnlyDictionary<string, string> Links { get; init; } = new Dictionary<string, string>();

    /// <summary>Lines for /etc/passwd beside root and nobody.</summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Lines for /etc/group beside root and nogroup.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    public IReadOnlyList<string> Command { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Numeric "user:group" of the first process.</summary>
    public string User { get; init; } = "0:0";

    public IReadOnlyList<int> Ports { get; init; } = [];

    public RecipeProtection Protection { get; init; } = new();

    /// <summary>The folder of the recipe file, for <see cref="RecipeFileEntry.Source"/>.</summary>
    [JsonIgnore]
    public string Folder { get; init; } = "";
}
