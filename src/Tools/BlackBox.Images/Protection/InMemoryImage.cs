namespace BlackBox.Images;

/// <summary>
/// Small images from bytes, for tests and demonstrations:
/// <code>ProtectedImage image = new InMemoryImage("tiny").AddFile("/bin/tiny", elf).Start("/bin/tiny", "argument").Protect();</code>
/// </summary>
public sealed class InMemoryImage(string name)
{
    private static readonly byte[] TestScalar = [.. Enumerable.Range(1, 48).Select(number => (byte)number)];

    private ImageConfiguration _configuration = new() { Name = name, Entrypoint = [], Protection = new ProtectionRules(FreedomRule.Fixed, FreedomRule.Fixed) };

    public RootFilesystem Root { get; } = new();

    public ImageContent Content => new(Root, _configuration);

    /// <summary>The publisher of <see cref="Protect"/>: always the same, known to everybody.</summary>
    public static PublisherKey TestPublisher() => PublisherKey.FromScalar(TestScalar);

    /// <param name="mode">Permission bits, 0755 if not given.</param>
    public InMemoryImage AddFile(string path, ReadOnlyMemory<byte> bytes, int mode = 0x1ED)
    {
        Root.Add(RootEntry.File(RootPath.Parse(path), ContentSource.FromBytes(bytes), mode));
        return this;
    }

    public InMemoryImage AddLink(string path, string target)
    {
        Root.Add(RootEntry.Link(RootPath.Parse(path), target));
        return this;
    }

    public InMemoryImage AddDirectory(string path, int mode = 0x1ED)
    {
        Root.Add(RootEntry.Directory(RootPath.Parse(path), mode));
        return this;
    }

    /// <summary>Declares writable paths.</summary>
    public InMemoryImage Writable(params string[] paths) =>
        Configure(configuration => configuration with { Protection = configuration.Protection with { WritablePaths = [.. configuration.Protection.WritablePaths, .. paths] } });

    /// <summary>Entry point and arguments.</summary>
    public InMemoryImage Start(params string[] words) => Configure(configuration => configuration with { Entrypoint = words });

    public InMemoryImage Configure(Func<ImageConfiguration, ImageConfiguration> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        _configuration = change(_configuration);
        return this;
    }

    /// <summary>Protects for the development platform. Without a publisher, <see cref="TestPublisher"/> signs.</summary>
    public ProtectedImage Protect(ProtectionOptions? options = null, PublisherKey? publisher = null)
    {
        if (publisher is not null)
        {
            return ImageProtector.Protect(Content, options ?? new ProtectionOptions(), publisher);
        }

        using var test = TestPublisher();
        return ImageProtector.Protect(Content, options ?? new ProtectionOptions(), test);
    }
}
