namespace BlackBox.Images;

/// <summary>How much of a list (arguments, environment) the one who starts a container may choose.</summary>
public enum FreedomRule
{
    /// <summary>Exactly what the image says.</summary>
    Fixed,

    /// <summary>What the image says, then anything.</summary>
    Prefix,

    /// <summary>Anything.</summary>
    Free,
}

/// <summary>What the image's maker allows to be done with a protected container. It becomes part of the signed manifest.</summary>
/// <param name="Arguments">Rule for the arguments after the entry point's program.</param>
/// <param name="Environment">Rule for environment variables.</param>
/// <param name="Jit">Memory that is both written by the program and executed may exist.</param>
/// <param name="ExecFromOutside">A new process may enter the running container from outside (runc exec).</param>
public sealed record ProtectionRules(
    FreedomRule Arguments = FreedomRule.Prefix, FreedomRule Environment = FreedomRule.Prefix, bool Jit = false, bool ExecFromOutside = false)
{
    /// <summary>Paths at and below which the container may create and change files, beside the usual ones.</summary>
    public IReadOnlyList<string> WritablePaths { get; init; } = [];

    /// <summary>Paths at and below which all files are the OS's own, beside those that container engines mount.</summary>
    public IReadOnlyList<string> ClearPaths { get; init; } = [];

    /// <summary>The console names what the image does not have.</summary>
    public bool Debug { get; init; }

    /// <summary>Most memory in MiB; 0: no limit of the image's own.</summary>
    public int MemoryMebibytes { get; init; }

    /// <summary>Most processes at one time; 0: no limit of the image's own.</summary>
    public int Processes { get; init; }
}

/// <summary>What is to be started in a root file system (the "config" of the OCI image specification, and our rules).</summary>
public sealed record ImageConfiguration
{
    /// <summary>Short name of the image.</summary>
    public required string Name { get; init; }

    /// <summary>Program and leading arguments; the program is an absolute path.</summary>
    public required IReadOnlyList<string> Entrypoint { get; init; }

    /// <summary>Arguments that the one who starts the container replaces by his own.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>NAME=VALUE, in a fixed order.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Numeric user and group of the first process.</summary>
    public int UserId { get; init; }

    /// <inheritdoc cref="UserId"/>
    public int GroupId { get; init; }

    /// <summary>TCP ports the program listens on.</summary>
    public IReadOnlyList<int> Ports { get; init; } = [];

    /// <summary>Key and value texts for people and programs.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public ProtectionRules Protection { get; init; } = new();
}

/// <summary>A root file system and what to start in it: what recipes and image readers give, and what the image builder takes.</summary>
public sealed record ImageContent(RootFilesystem Root, ImageConfiguration Configuration);
