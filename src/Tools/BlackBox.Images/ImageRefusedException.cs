using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>A protected image is not what its publisher made, or cannot be protected. The message names the file and the reason.</summary>
public sealed class ImageRefusedException : BlackBoxException
{
    /// <param name="file">The file inside the image, or the archive as a whole.</param>
    /// <param name="reason">What is wrong with it.</param>
    /// <param name="inner">The error that showed it.</param>
    public ImageRefusedException(string file, string reason, Exception? inner = null)
        : base($"{file}: {reason}", null, inner)
    {
        File = file;
        Reason = reason;
    }

    public string File { get; }

    public string Reason { get; }
}
