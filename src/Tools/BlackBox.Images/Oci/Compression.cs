using System.IO.Compression;
using System.Security.Cryptography;
using ZstdSharp;

namespace BlackBox.Images;

/// <summary>Archives may be compressed by gzip (RFC 1952) or zstd (RFC 8878); their first bytes tell.</summary>
internal static class Compression
{
    private const int BufferLength = 1 << 16;

    /// <summary>The uncompressed content: the same if it was not compressed, else a file below <paramref name="scratch"/>.</summary>
    /// <param name="content">Perhaps compressed.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="scratch">A folder for temporary files.</param>
    /// <param name="limit">Most bytes that may come out.</param>
    /// <param name="cancellation">Stops.</param>
    /// <returns>The content and the SHA-256 of its bytes in lower-case hexadecimal.</returns>
    /// <exception cref="ImageRefusedException">Damaged or too large.</exception>
    public static (ContentSource Content, string Digest) Open(ContentSource content, string name, string scratch, long limit, CancellationToken cancellation)
    {
        try
        {
            Span<byte> start = stackalloc byte[4];
            using var source = content.Open();
            var read = source.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            source.Position = 0;
            Stream? unpacked = read < 4 ? null
                : start is [0x1F, 0x8B, ..] ? new GZipStream(source, CompressionMode.Decompress)
                : start is [0x28, 0xB5, 0x2F, 0xFD] ? new DecompressionStream(source)
                : null;
            if (unpacked is null)
            {
                return (content, Hash(source, Stream.Null, name, limit, cancellation));
            }

            using (unpacked)
            {
                var path = Path.Combine(scratch, $"{Guid.NewGuid():N}.tar");
                using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferLength);
                var digest = Hash(unpacked, file, name, limit, cancellation);
                file.Flush();
                return (ContentSource.FromFile(path), digest);
            }
        }
        catch (Exception error) when (error is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw new ImageRefusedException(name, $"the compressed archive is damaged ({error.Message.TrimEnd('.')})", error);
        }
    }

    private static string Hash(Stream source, Stream copy, string name, long limit, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferLength];
        for (long total = 0; ;)
        {
            cancellation.ThrowIfCancellationRequested();
            var read = source.Read(buffer);
            if (read == 0)
            {
                return Convert.ToHexStringLower(hash.GetHashAndReset());
            }

            total += read;
            if (total > limit)
            {
                throw new ImageRefusedException(name, $"it unpacks to more than {limit >> 20} MiB");
            }

            hash.AppendData(buffer, 0, read);
            copy.Write(buffer, 0, read);
        }
    }
}
