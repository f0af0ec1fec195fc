namespace BlackBox.Emulation;

/// <summary>Reads a file that another process is still writing, until that process has ended.</summary>
internal sealed class TailStream(string path, Task writerEnded) : Stream
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private FileStream? _file;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var ended = writerEnded.IsCompleted;
            if (_file is null && File.Exists(path))
            {
                _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
            }

            var count = _file is null ? 0 : await _file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (count > 0 || ended)
            {
                return count;
            }

            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        _file?.Dispose();
        base.Dispose(disposing);
    }
}
