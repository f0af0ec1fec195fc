namespace BlackBox.Images;

/// <summary>A platform that images are made for: the key that content keys are wrapped with.</summary>
public sealed class PlatformKey
{
    public PlatformKey(string name, byte[] wrapKey)
    {
        ArgumentNullException.ThrowIfNull(wrapKey);
        if (wrapKey.Length != ImageFormat.KeyLength)
        {
            throw new ArgumentException("a wrap key has 32 bytes", nameof(wrapKey));
        }

        Name = name;
        WrapKey = wrapKey;
    }

    /// <summary>Development builds of the monitor; their key is public.</summary>
    public static PlatformKey Development { get; } = MakeDevelopment();

    public string Name { get; }

    internal byte[] WrapKey { get; }

    private static PlatformKey MakeDevelopment()
    {
        var key = new byte[ImageFormat.KeyLength];
        DevelopmentPlatform.WrapKey(key);
        return new PlatformKey("development", key);
    }
}
