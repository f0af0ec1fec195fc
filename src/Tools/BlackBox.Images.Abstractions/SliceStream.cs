namespace BlackBox.Images;

/// <summary>A read-only window of a seekable stream, which it owns.</summary>
internal sealed class SliceStream(Stream inner, long offset, long length) : SeekableInput(length)
{
    protected override int Read(long position, Span<byte> buffer)
    {
        if (inner.Position != offset + position)
        {
            inner.Position = offset + position;
        }

        return inner.Read(buffer);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
