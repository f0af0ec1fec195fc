namespace BlackBox.Images;

/// <summary>A part of another content.</summary>
internal sealed class SliceContent : ContentSource
{
    private readonly ContentSource _whole;
    private readonly long _offset;

    public SliceContent(ContentSource whole, long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > whole.Length - length)
        {
            throw new InvalidDataException("a part lies outside of its archive");
        }

        _whole = whole;
        _offset = offset;
        Length = length;
    }

    public override long Length { get; }

    public override Stream Open() => new SliceStream(_whole.Open(), _offset, Length);
}
