namespace BlackBox.Images;

/// <summary>Flags of a <see cref="FileRecord"/>.</summary>
[Flags]
public enum FileFlags
{
    /// <summary>A regular file that anybody can read; nobody can change it unnoticed.</summary>
    None = 0,

    /// <summary>Content is encrypted.</summary>
    Protected = 1,

    /// <summary>May be mapped executable.</summary>
    Code = 2,

    /// <summary>Executable text that begins with #!.</summary>
    Script = 4,

    SymbolicLink = 8,

    Directory = 16,
}

/// <summary>One record of the file table (docs/image-format.md, "File table").</summary>
public sealed record FileRecord
{
    /// <summary>Bytes of a record.</summary>
    public const int Length = 128;

    /// <summary>SHA-256 of the path.</summary>
    public required byte[] PathHash { get; init; }

    /// <summary>Salt of a regular file's key; zeros otherwise.</summary>
    public byte[] Salt { get; init; } = new byte[32];

    /// <summary>SHA-256 of a regular file's tags; zeros otherwise.</summary>
    public byte[] TagsDigest { get; init; } = new byte[32];

    /// <summary>Size of a regular file in bytes.</summary>
    public long Size { get; init; }

    /// <summary>Where a regular file's tags begin.</summary>
    public long TagsOffset { get; init; }

    /// <summary>st_mode: type and permissions.</summary>
    public int Mode { get; init; }

    /// <summary>Numeric owner.</summary>
    public int UserId { get; init; }

    /// <summary>Numeric group.</summary>
    public int GroupId { get; init; }

    public FileFlags Flags { get; init; }

    /// <summary>The four bytes that the magic stands in place of.</summary>
    public byte[] Head { get; init; } = new byte[4];

    /// <summary>Target of a symbolic link.</summary>
    public string? LinkTarget { get; init; }

    /// <summary>What stands in a directory, in ordinal order of the names.</summary>
    public IReadOnlyList<DirectoryName> Names { get; init; } = [];

    public bool IsProtected => Flags.HasFlag(FileFlags.Protected);

    public bool IsLink => Flags.HasFlag(FileFlags.SymbolicLink);

    public bool IsDirectory => Flags.HasFlag(FileFlags.Directory);

    public bool IsFile => !IsLink && !IsDirectory;

    /// <summary>The file begins with the magic, so that Linux hands it to the module.</summary>
    public bool HasMagic => (Flags & (FileFlags.Code | FileFlags.Script)) != 0;

    /// <summary>Bytes of tags.</summary>
    public long TagsLength => IsFile ? ImageFormat.BlockCount(Size) * ImageFormat.TagLength : 0;
}

/// <summary>A name in a directory of the table.</summary>
/// <param name="Name">Without a slash.</param>
/// <param name="Type">DT_* of dirent: 4 directory, 8 regular file, 10 symbolic link; others only outside the image.</param>
/// <param name="Record">Number of its record, -1 for what is outside the image.</param>
public sealed record DirectoryName(string Name, int Type, int Record)
{
    public const int TypeDirectory = 4;
    public const int TypeFile = 8;
    public const int TypeLink = 10;

    /// <summary>DT_* of an entry.</summary>
    public static int TypeOf(RootEntryKind kind) => kind switch
    {
        RootEntryKind.Directory => TypeDirectory,
        RootEntryKind.RegularFile => TypeFile,
        RootEntryKind.SymbolicLink => TypeLink,
        RootEntryKind.CharacterDevice => 2,
        RootEntryKind.BlockDevice => 6,
        _ => 1,
    };
}
