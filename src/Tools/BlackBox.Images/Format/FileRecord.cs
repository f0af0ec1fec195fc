namespace BlackBox.Images;

/// <summary>Flags of a <see cref="FileRecord"/>.</summary>
[Flags]
public enum FileFlags
{
    /// <summary>A clear file, bound by the digest of its content.</summary>
    None = 0,

    /// <summary>Content is encrypted.</summary>
    Protected = 1,

    /// <summary>May be mapped executable.</summary>
    Code = 2,

    /// <summary>Executable text that begins with #!, clear and bound by the digest of its content.</summary>
    Script = 4,

    SymbolicLink = 8,
}

/// <summary>One record of the file table (docs/image-format.md, "File table").</summary>
public sealed record FileRecord
{
    /// <summary>Bytes of a record.</summary>
    public const int Length = 128;

    /// <summary>SHA-256 of the path.</summary>
    public required byte[] PathHash { get; init; }

    /// <summary>Salt of a protected file's key; SHA-256 of a clear file's content; zeros for a link.</summary>
    public byte[] Salt { get; init; } = new byte[32];

    /// <summary>SHA-256 of a protected file's tags; zeros otherwise.</summary>
    public byte[] TagsDigest { get; init; } = new byte[32];

    /// <summary>Size of a regular file in bytes.</summary>
    public long Size { get; init; }

    /// <summary>Where a protected file's tags begin.</summary>
    public long TagsOffset { get; init; }

    /// <summary>st_mode: type and permissions.</summary>
    public int Mode { get; init; }

    public FileFlags Flags { get; init; }

    /// <summary>The four bytes of ciphertext that the magic stands in place of.</summary>
    public byte[] Head { get; init; } = new byte[4];

    /// <summary>Target of a symbolic link.</summary>
    public string? LinkTarget { get; init; }

    public bool IsProtected => Flags.HasFlag(FileFlags.Protected);

    public bool IsLink => Flags.HasFlag(FileFlags.SymbolicLink);

    /// <summary>Bytes of tags.</summary>
    public long TagsLength => IsProtected ? ImageFormat.BlockCount(Size) * ImageFormat.TagLength : 0;
}
