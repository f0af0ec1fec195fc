namespace BlackBox.Images;

/// <summary>A readable, seekable stream of another one's bytes, each block of which goes through a function.</summary>
internal sealed class BlockStream : Stream
{
    private readonly Stream _source;
    private readonly long _length;
    private readonly BlockFunction _function;
    private readonly IDisposable _owned;
    private readonly byte[] _input = new byte[ImageFormat.BlockLength];
    private readonly byte[] _output = new byte[ImageFormat.BlockLength];
    private long _loaded = -1;
    private long _position;

    /// <param name="source">The bytes; disposed with this.</param>
    /// <param name="length">How many.</param>
    /// <param name="function">Gets a block and gives one of the same length.</param>
    /// <param name="owned">Disposed with this.</param>
    public BlockStream(Stream source, long length, BlockFunction function, IDisposable owned)
    {
        _source = source;
        _length = length;
        _function = function;
        _owned = owned;
    }

    /// <param name="block">Number of the block.</param>
    /// <param name="input">Its bytes.</param>
    /// <param name="output">As long.</param>
    public delegate void BlockFunction(long block, Span<byte> input, Span<byte> output);

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _length;

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        if (_position >= _length || buffer.IsEmpty)
        {
            return 0;
        }

        var block = _position / ImageFormat.BlockLength;
        var length = (int)Math.Min(ImageFormat.BlockLength, _length - (block * ImageFormat.BlockLength));
        if (_loaded != block)
        {
            _loaded = -1;
            _source.Position = block * ImageFormat.BlockLength;
            _source.ReadExactly(_input, 0, length);
            _function(block, _input.AsSpan(0, length), _output.AsSpan(0, length));
            _loaded = block;
        }

        var offset = (int)(_position % ImageFormat.BlockLength);
        var taken = Math.Min(buffer.Length, length - offset);
        _output.AsSpan(offset, taken).CopyTo(buffer);
        _position += taken;
        return taken;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => _length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _source.Dispose();
            _owned.Dispose();
        }

        base.Dispose(disposing);
    }
}
