namespace BlackBox.Images;

/// <summary>A list that the one who starts the container may change as far as <see cref="Rule"/> lets him.</summary>
public sealed record ListRule(FreedomRule Rule, IReadOnlyList<string> Values)
{
    public bool Equals(ListRule? other) => other is not null && Rule == other.Rule && Values.SequenceEqual(other.Values);

    public override int GetHashCode() => HashCode.Combine(Rule, Values.Count);
}

/// <summary>What a protected container may do and how it may be started (docs/image-format.md, "Manifest").</summary>
public sealed record ImagePolicy
{
    /// <summary>Canonical path of the program: absolute, no symbolic link on the way.</summary>
    public required string EntryPoint { get; init; }

    /// <summary>argv, argv[0] included.</summary>
    public required ListRule Arguments { get; init; }

    /// <summary>NAME=value.</summary>
    public required ListRule Environment { get; init; }

    /// <summary>Anonymous memory may be executable.</summary>
    public bool AllowsJit { get; init; }

    /// <summary>Another enclave of this image may be started at another entry point.</summary>
    public bool AllowsExec { get; init; }

    /// <summary>The console names every path that the image does not have and every change that was refused.</summary>
    public bool Debug { get; init; }

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Names of variables that may come from outside.</summary>
    public IReadOnlyList<string> OutsideVariables { get; init; } = [];

    /// <summary>Canonical paths at and below which the container may create and change files. The OS keeps them, in clear.</summary>
    public IReadOnlyList<string> WritablePaths { get; init; } = [];

    /// <summary>Canonical paths at and below which all files are the OS's own, in clear: what container engines mount.</summary>
    public IReadOnlyList<string> ClearPaths { get; init; } = [];

    public ImageLimits Limits { get; init; } = new();

    /// <summary>Whether a path is not the image's: at or below a writable or clear path.</summary>
    public bool IsOutside(RootPath path) => WritablePaths.Concat(ClearPaths).Any(folder => path.IsWithin(RootPath.Parse(folder)));
}

/// <summary>Most that the container may use; 0: no limit of the manifest's own.</summary>
/// <param name="MemoryMebibytes">Memory of the container, in MiB.</param>
/// <param name="Processes">Processes at one time.</param>
public sealed record ImageLimits(int MemoryMebibytes = 0, int Processes = 0);

/// <summary>The signed statement about an image.</summary>
public sealed record ImageManifest
{
    public required string Name { get; init; }

    /// <summary>Higher than that of every version which must no longer run.</summary>
    public required ulong Counter { get; init; }

    public required ImagePolicy Policy { get; init; }

    /// <summary>SHA-384 of the digests of the file table's pages.</summary>
    public required byte[] TableDigest { get; init; }

    public required long TableLength { get; init; }

    public required long TagsLength { get; init; }

    /// <summary>X ‖ Y of the publisher's P-384 key.</summary>
    public required byte[] Publisher { get; init; }
}
