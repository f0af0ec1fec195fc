using System.Runtime.InteropServices;
using System.Text;

namespace BlackBox.Images;

/// <summary>Where the bytes of a file come from. Can be opened any number of times; each stream starts at the first byte.</summary>
public abstract class ContentSource
{
    /// <summary>Size in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>A readable, seekable stream of exactly <see cref="Length"/> bytes, which the caller disposes.</summary>
    /// <exception cref="IOException">The underlying file is gone or has changed its size.</exception>
    public abstract Stream Open();

    public static ContentSource FromBytes(ReadOnlyMemory<byte> bytes) => new Memory(bytes);

    public static ContentSource FromText(string text) => new Memory(Encoding.UTF8.GetBytes(text));

    /// <summary>A file of the host, or <paramref name="length"/> bytes of it from <paramref name="offset"/>.</summary>
    public static ContentSource FromFile(string path, long offset = 0, long? length = null) =>
        new FilePart(path, offset, length ?? new FileInfo(path).Length - offset);

    /// <summary>Reads everything into memory.</summary>
    public byte[] ReadAllBytes()
    {
        using var stream = Open();
        var bytes = new byte[Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private sealed class Memory(ReadOnlyMemory<byte> bytes) : ContentSource
    {
        public override long Length => bytes.Length;

        // The bytes themselves where they stand in an array: files are opened once for each piece of them.
        public override Stream Open() => MemoryMarshal.TryGetArray(bytes, out var array) && array.Array is { } whole
            ? new MemoryStream(whole, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
    }

    private sealed class FilePart(string path, long offset, long length) : ContentSource
    {
        public override long Length => length;

        public override Stream Open()
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            if (file.Length < offset + length)
            {
                file.Dispose();
                throw new IOException($"{path} became shorter while it was being read");
            }

            return new SliceStream(file, offset, length);
        }
    }
}
