namespace BlackBox.Images;

/// <summary>A readable, seekable stream of another one's bytes, each block of which goes through a function.</summary>
internal sealed class BlockStream : SeekableInput
{
    /// <summary>Blocks that are read at once.</summary>
    private const long PieceBlocks = 32;

    private readonly Stream _source;
    private readonly BlockFunction _function;
    private readonly IDisposable _owned;
    private readonly byte[] _input;
    private readonly byte[] _output;
    private long _loaded = -1;
    private int _loadedBytes;

    /// <param name="source">The bytes; disposed with this.</param>
    /// <param name="length">How many.</param>
    /// <param name="function">Gets a block and gives one of the same length.</param>
    /// <param name="owned">Disposed with this.</param>
    public BlockStream(Stream source, long length, BlockFunction function, IDisposable owned)
        : base(length)
    {
        _source = source;
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

    protected override int Read(long position, Span<byte> buffer)
    {
        if (_loaded < 0 || position < _loaded || position >= _loaded + _loadedBytes)
        {
            Load(position / ImageFormat.BlockLength);
        }

        var offset = (int)(position - _loaded);
        var taken = Math.Min(buffer.Length, _loadedBytes - offset);
        _output.AsSpan(offset, taken).CopyTo(buffer);
        return taken;
    }

    private void Load(long first)
    {
        _loaded = -1;
        var start = first * ImageFormat.BlockLength;
        var bytes = (int)Math.Min(_input.Length, Length - start);
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
