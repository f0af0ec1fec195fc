namespace BlackBox.Images;

/// <summary>The kinds of file a root file system can hold. Hard links do not occur: they are read as files of their own.</summary>
public enum RootEntryKind
{
    Directory,
    RegularFile,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Fifo,
}

/// <summary>One file of a root file system. Immutable; made by the factory methods, which check what they are given.</summary>
public sealed record RootEntry
{
    private RootEntry(RootPath path, RootEntryKind kind, int mode)
    {
        Path = path;
        Kind = kind;
        Mode = mode;
    }

    /// <summary>Where the file stands, absolute and normalised.</summary>
    public RootPath Path { get; private init; }

    public RootEntryKind Kind { get; }

    /// <summary>Permission bits with set-user-id, set-group-id and sticky: 0 to 07777 (octal). No file-type bits.</summary>
    public int Mode { get; init; }

    /// <summary>Numeric owner.</summary>
    public int UserId { get; init; }

    /// <summary>Numeric group.</summary>
    public int GroupId { get; init; }

    /// <summary>Target of a symbolic link as it is written, relative or absolute; null for every other kind.</summary>
    public string? LinkTarget { get; private init; }

    /// <summary>Bytes of a regular file; null for every other kind.</summary>
    public ContentSource? Content { get; private init; }

    /// <summary>Device number, for devices only.</summary>
    public int DeviceMajor { get; private init; }

    /// <inheritdoc cref="DeviceMajor"/>
    public int DeviceMinor { get; private init; }

    /// <summary>Size of a regular file in bytes, 0 for the other kinds.</summary>
    public long Length => Content?.Length ?? 0;

    public static RootEntry Directory(RootPath path, int mode = 0x1ED) => new(path, RootEntryKind.Directory, CheckMode(mode));

    public static RootEntry File(RootPath path, ContentSource content, int mode = 0x1A4) =>
        new(path, RootEntryKind.RegularFile, CheckMode(mode)) { Content = content ?? throw new ArgumentNullException(nameof(content)) };

    /// <exception cref="InvalidDataException">The target is empty, holds a NUL, or is longer than Linux takes (4095 bytes).</exception>
    public static RootEntry Link(RootPath path, string target)
    {
        if (string.IsNullOrEmpty(target) || target.Contains('\0') || System.Text.Encoding.UTF8.GetByteCount(target) > 4095)
        {
            throw new InvalidDataException($"{path}: not a valid target for a symbolic link");
        }

        return new(path, RootEntryKind.SymbolicLink, 0x1FF) { LinkTarget = target };
    }

    public static RootEntry Device(RootPath path, bool isBlock, int major, int minor, int mode = 0x1B6)
    {
        if (major is < 0 or > 0xFFF || minor is < 0 or > 0xFFFFF)
        {
            throw new InvalidDataException($"{path}: device number {major}:{minor} is out of range");
        }

        return new(path, isBlock ? RootEntryKind.BlockDevice : RootEntryKind.CharacterDevice, CheckMode(mode))
        {
            DeviceMajor = major,
            DeviceMinor = minor,
        };
    }

    public static RootEntry Pipe(RootPath path, int mode = 0x1A4) => new(path, RootEntryKind.Fifo, CheckMode(mode));

    /// <summary>The same file under another name.</summary>
    public RootEntry At(RootPath path) => this with { Path = path };

    /// <summary>The same file with other bytes.</summary>
    /// <exception cref="InvalidOperationException">This is not a regular file.</exception>
    public RootEntry WithContent(ContentSource content) => Kind == RootEntryKind.RegularFile
        ? this with { Content = content }
        : throw new InvalidOperationException($"{Path} is no regular file");

    private static int CheckMode(int mode) => mode is >= 0 and <= 0xFFF
        ? mode
        : throw new ArgumentOutOfRangeException(nameof(mode), "file-type bits do not belong into Mode");
}
