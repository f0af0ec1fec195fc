using System.Security.Cryptography;
using System.Threading.Channels;

namespace BlackBox.Images;

/// <summary>A new file whose bytes are hashed and written by a thread of their own, while the next ones are made.</summary>
internal sealed class HashingOutput : Stream
{
    private const int PieceLength = 1 << 20;
    private const int Pieces = 4;

    private readonly Channel<(byte[] Bytes, int Length)> _full = Channel.CreateBounded<(byte[], int)>(Pieces);
    private readonly Channel<byte[]> _empty = Channel.CreateUnbounded<byte[]>();
    private readonly Task<string> _work;
    private byte[] _piece = new byte[PieceLength];
    private int _used;
    private long _length;

    public HashingOutput(string path)
    {
        for (var i = 0; i < Pieces; i++)
        {
            _ = _empty.Writer.TryWrite(new byte[PieceLength]);
        }

        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0);
        _work = Task.Run(() => WorkAsync(file));
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>Ends the file.</summary>
    /// <returns>SHA-256 in lower-case hexadecimal, and the number of bytes.</returns>
    /// <exception cref="IOException">It could not be written.</exception>
    public (string Digest, long Length) Finish()
    {
        Send();
        _full.Writer.Complete();
        return (_work.GetAwaiter().GetResult(), _length);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var step = Math.Min(buffer.Length, PieceLength - _used);
            buffer[..step].CopyTo(_piece.AsSpan(_used));
            buffer = buffer[step..];
            _used += step;
            _length += step;
            if (_used == PieceLength)
            {
                Send();
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // After an error nobody waits for the digest, but the file must be closed before it is removed.
            _ = _full.Writer.TryComplete();
            _work.ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
        }

        base.Dispose(disposing);
    }

    private void Send()
    {
        if (_used == 0)
        {
            return;
        }

        try
        {
            _full.Writer.WriteAsync((_piece, _used)).AsTask().GetAwaiter().GetResult();
            _piece = _empty.Reader.ReadAsync().AsTask().GetAwaiter().GetResult();
            _used = 0;
        }
        catch (ChannelClosedException)
        {
            // The other thread has failed: its error is the one to tell.
            _ = _work.GetAwaiter().GetResult();
            throw;
        }
    }

    private async Task<string> WorkAsync(FileStream file)
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            await using (file.ConfigureAwait(false))
            {
                await foreach (var (bytes, length) in _full.Reader.ReadAllAsync().ConfigureAwait(false))
                {
                    hash.AppendData(bytes, 0, length);
                    await file.WriteAsync(bytes.AsMemory(0, length)).ConfigureAwait(false);
                    _ = _empty.Writer.TryWrite(bytes);
                }
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (Exception error)
        {
            _ = _full.Writer.TryComplete(error);
            _ = _empty.Writer.TryComplete(error);
            throw;
        }
    }
}
