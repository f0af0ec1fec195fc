using BlackBox.Images;

namespace BlackBox.Containers;

/// <summary>A container that is to exist in a machine.</summary>
/// <param name="Id">Its name: two or more of a-z, A-Z, 0-9, '_', '.', '-'.</param>
/// <param name="Content">Its image, protected or not; that decides which runtime starts it.</param>
/// <param name="Arguments">Instead of the image's default command, or null.</param>
/// <param name="MemoryLimit">Limit of its cgroup in bytes, or null.</param>
public sealed record Container(string Id, ImageContent Content, IReadOnlyList<string>? Arguments = null, long? MemoryLimit = null)
{
    public bool IsProtected => StoredImage.IsProtected(Content.Root);

    /// <summary>Stock runc, or the wrapper around it.</summary>
    public string Runtime => IsProtected ? "blackbox-runtime" : "runc";

    /// <summary>The guest's command that runs it in the foreground and ends with its exit code.</summary>
    public string RunCommand => $"{Runtime} run --bundle {Guest.OciBundle.Folder}/{Id} {Id}";
}
