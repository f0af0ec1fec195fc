namespace BlackBox.Images;

/// <summary>A readable, seekable stream of another one's bytes, each block of which goes through a function.</summary>
internal sealed class BlockStream : Stream
{
    /// <summary>Blocks that are read at once.</summary>
    private const long PieceBlocks = 32;

    private readonly Stream _source;
    private readonly long _length;
    private readonly BlockFunction _function;
    private readonly IDisposable _owned;
    private readonly byte[] _input;
    private readonly byte[] _output;
    private long _loaded = -1;
    private int _loadedBytes;
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
        var bytes = Math.Min(PieceBlocks, Math.Max(1, ImageFormat.BlockCount(length))) * ImageFormat.BlockLength;
        _input = new byte[bytes];
        _output = new byte[bytes];
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

        if (_loaded < 0 || _position < _loaded || _position >= _loaded + _loadedBytes)
        {
            Load(_position / ImageFormat.BlockLength);
        }

        var offset = (int)(_position - _loaded);
        var taken = Math.Min(buffer.Length, _loadedBytes - offset);
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

    private void Load(long first)
    {
        _loaded = -1;
        var start = first * ImageFormat.BlockLength;
        var bytes = (int)Math.Min(_input.Length, _length - start);
        _source.Position = start;
        _source.ReadExactly(_input, 0, bytes);
        for (var at = 0; at < bytes; at += ImageFormat.BlockLength)
        {
            var length = Math.Min(ImageFormat.BlockLength, bytes - at);
            try
            {
                _function(first + (at / ImageFormat.BlockLength), _input.AsSpan(at, length), _output.AsSpan(at, length));
            }
            catch (ImageRefusedException) when (at > 0)
            {
                // Told when it is read; what stands before it is good.
                bytes = at;
            }
        }

        (_loaded, _loadedBytes) = (start, bytes);
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
