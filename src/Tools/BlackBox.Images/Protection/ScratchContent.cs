using Microsoft.Win32.SafeHandles;

namespace BlackBox.Images;

/// <summary>
/// Bytes that are written piece by piece and read later: in memory as long as they are few, else in a temporary file that has no
/// name any more and goes with this object.
/// </summary>
internal sealed class ScratchContent : ContentSource
{
    private const long MostInMemory = 16 << 20;

    private readonly byte[]? _memory;
    private readonly SafeFileHandle? _file;

    public ScratchContent(long length)
    {
        Length = length;
        if (length <= MostInMemory)
        {
            _memory = new byte[length];
            return;
        }

        var path = Path.Combine(Path.GetTempPath(), $"blackbox-{Guid.NewGuid():N}");
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        File.Delete(path);
        RandomAccess.SetLength(_file, length);
    }

    public override long Length { get; }

    /// <summary>Any number of threads may write, each to places of its own.</summary>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (_memory is not null)
        {
            bytes.CopyTo(_memory.AsSpan((int)offset));
        }
        else
        {
            RandomAccess.Write(_file!, bytes, offset);
        }
    }

    public override Stream Open() => _memory is not null ? new MemoryStream(_memory, writable: false) : new FileView(this);

    private int Read(long offset, Span<byte> to) => RandomAccess.Read(_file!, to, offset);

    private sealed class FileView(ScratchContent content) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => content.Length;

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var read = content.Read(Position, buffer);
            Position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => Position + offset,
            _ => Length + offset,
        };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
