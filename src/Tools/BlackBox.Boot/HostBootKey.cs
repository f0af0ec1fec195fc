using BlackBox.Hosting;

namespace BlackBox.Boot;

/// <summary>The boot key of this user's own monitors, in the cache: made at its first use, with the C# file that a monitor is built with to trust it and no other.</summary>
public sealed class HostBootKey : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private HostBootKey(BootKeyPair pair, string source) => (Pair, Source) = (pair, source);

    /// <summary>Where it is kept.</summary>
    public static string Folder => Path.Combine(BlackBoxPaths.Cache, "boot-key");

    public BootKeyPair Pair { get; }

    /// <summary>The C# file.</summary>
    public string Source { get; }

    /// <exception cref="BlackBoxException">The file is there, but holds no key.</exception>
    public static async Task<HostBootKey> OpenAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(Folder);
        using var held = await CacheLock.AcquireAsync(Path.Combine(Folder, "lock"), null, cancellation).ConfigureAwait(false);
        var (file, source) = (Path.Combine(Folder, "boot.pem"), Path.Combine(Folder, "BootKey.cs"));
        if (!File.Exists(file))
        {
            using var made = BootKeyPair.Create();
            await AtomicOutput.WriteFileByNameAsync(file, async name =>
            {
                var stream = new FileStream(name, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Private });
                await using (stream.ConfigureAwait(false))
                {
                    await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(made.ToPem()), cancellation).ConfigureAwait(false);
                }
            }).ConfigureAwait(false);
        }

        var pair = BootKeyPair.Read(file);
        var text = pair.ToSource();
        if (!File.Exists(source) || await File.ReadAllTextAsync(source, cancellation).ConfigureAwait(false) != text)
        {
            await AtomicOutput.WriteFileByNameAsync(source, name => File.WriteAllTextAsync(name, text, cancellation)).ConfigureAwait(false);
        }

        return new HostBootKey(pair, source);
    }

    public void Dispose() => Pair.Dispose();
}
