using BlackBox.Images;

namespace BlackBox.Containers;

/// <summary>An image that can be started. Its files may live in a temporary folder that goes when this is disposed.</summary>
public sealed class ReadyImage : IDisposable
{
    private readonly OpenedImage? _opened;

    internal ReadyImage(ImageContent content, OpenedImage? opened = null)
    {
        Content = content;
        _opened = opened;
    }

    public ImageContent Content { get; }

    public string Name => Content.Configuration.Name;

    public bool IsProtected => StoredImage.IsProtected(Content.Root);

    public void Dispose() => _opened?.Dispose();
}
