namespace BlackBox.Images;

/// <summary>Which files are encrypted. All others can be read by anybody, but are verified in the same way.</summary>
public enum EncryptionScope
{
    /// <summary>Every regular file but /etc/passwd and /etc/group, which container runtimes read.</summary>
    All,

    /// <summary>Executables, shared objects and executable scripts.</summary>
    Elf,
}

/// <summary>How an image is protected.</summary>
public sealed record ProtectionOptions
{
    public EncryptionScope Scope { get; init; }

    /// <summary>The rollback counter of the manifest.</summary>
    public ulong Counter { get; init; } = 1;

    /// <summary>Time stamp of all files in seconds since 1970.</summary>
    public long Time { get; init; }

    /// <summary>The policy; null: what the image's configuration says, see <see cref="PolicyBuilder"/>.</summary>
    public ImagePolicy? Policy { get; init; }

    /// <summary>32 bytes; null: derived from the publisher's key and the image's content.</summary>
    public byte[]? ContentKey { get; init; }

    /// <summary>Platforms that the content key is wrapped for.</summary>
    public IReadOnlyList<PlatformKey> Platforms { get; init; } = [PlatformKey.Development];
}
