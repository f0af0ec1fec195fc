namespace BlackBox.Images;

/// <summary>Which files are encrypted.</summary>
public enum EncryptionScope
{
    /// <summary>Every ELF executable and shared object.</summary>
    Elf,

    /// <summary>Every regular file but scripts and those that container engines write or read themselves.</summary>
    All,
}

/// <summary>How an image is protected.</summary>
public sealed record ProtectionOptions
{
    public EncryptionScope Scope { get; init; }

    /// <summary>The rollback counter of the manifest.</summary>
    public ulong Counter { get; init; } = 1;

    /// <summary>The policy; null: what the image's configuration says, see <see cref="PolicyBuilder"/>.</summary>
    public ImagePolicy? Policy { get; init; }

    /// <summary>32 bytes; null: derived from the publisher's key and the image's content.</summary>
    public byte[]? ContentKey { get; init; }

    /// <summary>Platforms that the content key is wrapped for.</summary>
    public IReadOnlyList<PlatformKey> Platforms { get; init; } = [PlatformKey.Development];
}
