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

    private sealed class FileView(ScratchContent content) : SeekableInput(content.Length)
    {
        protected override int Read(long position, Span<byte> buffer) => RandomAccess.Read(content._file!, buffer, position);
    }
}
