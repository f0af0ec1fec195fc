namespace BlackBox.Images;

/// <summary>A stream that is read at any position and never written: what is left to say is its length, and what stands where.</summary>
internal abstract class SeekableInput(long length) : Stream
{
    private long _position;

    public sealed override bool CanRead => true;

    public sealed override bool CanSeek => true;

    public sealed override bool CanWrite => false;

    public sealed override long Length => length;

    public sealed override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    public sealed override int Read(Span<byte> buffer)
    {
        var wanted = (int)Math.Clamp(length - _position, 0, buffer.Length);
        var read = wanted == 0 ? 0 : Read(_position, buffer[..wanted]);
        _position += read;
        return read;
    }

    public sealed override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public sealed override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => length + offset,
    };

    public sealed override void Flush()
    {
    }

    public sealed override void SetLength(long value) => throw new NotSupportedException();

    public sealed override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Reads at least one byte, unless there is none where there should be.</summary>
    /// <param name="position">at least one byte before the end</param>
    /// <param name="buffer">not empty, and not beyond the end</param>
    protected abstract int Read(long position, Span<byte> buffer);
}
