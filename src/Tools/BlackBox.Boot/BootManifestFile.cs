using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using BlackBox.Hosting;

namespace BlackBox.Boot;

/// <summary>What the monitor shall start: paths of kernel (arm64 Image) and initial RAM disk, and the kernel's command line.</summary>
public sealed record BootFiles(string Kernel, string Initrd, string CommandLine);

/// <summary>Makes boot manifests; the layout is described where it is read, in src/Monitor/Uefi/BootManifest.cs.</summary>
public static class BootManifestFile
{
    private const int LongestCommandLine = 2047;

    /// <summary>A signed manifest.</summary>
    /// <exception cref="BlackBoxException">The command line is one that the monitor refuses.</exception>
    /// <param name="counter">A TPM that has seen a higher one refuses this one.</param>
    public static async Task<byte[]> CreateAsync(BootFiles files, BootKeyPair key, DateTimeOffset time, long counter, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(key);
        if (files.CommandLine.Length > LongestCommandLine || files.CommandLine.Any(letter => letter is < ' ' or > '~'))
        {
            throw new BlackBoxException($"the kernel's command line must be printable ASCII of at most {LongestCommandLine} bytes");
        }

        using var manifest = new MemoryStream();
        manifest.Write("BBXBOOT2"u8);
        WriteNumber(manifest, time.ToUnixTimeSeconds());
        WriteNumber(manifest, counter);
        foreach (var path in (string[])[files.Kernel, files.Initrd])
        {
            var content = File.OpenRead(path);
            await using (content.ConfigureAwait(false))
            {
                WriteNumber(manifest, content.Length);
                manifest.Write(await SHA256.HashDataAsync(content, cancellation).ConfigureAwait(false));
            }
        }

        var line = Encoding.ASCII.GetBytes(files.CommandLine);
        WriteNumber(manifest, line.Length);
        manifest.Write(SHA256.HashData(line));
        var text = manifest.ToArray();
        return [.. text, .. key.Sign(text)];
    }

    private static void WriteNumber(MemoryStream stream, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }
}
