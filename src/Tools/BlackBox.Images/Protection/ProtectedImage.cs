namespace BlackBox.Images;

/// <summary>A protected image: what to store, and what was said about it.</summary>
/// <param name="Content">The protected root file system with /.blackbox, and the configuration for container tools.</param>
/// <param name="Manifest">What was signed.</param>
/// <param name="Records">The file table.</param>
/// <param name="Paths">Path of each record, in the table's order.</param>
/// <param name="InputDigest">SHA-256 of the clear root file system; a secret of the publisher, since it says what is in the image.</param>
public sealed record ProtectedImage(
    ImageContent Content, ImageManifest Manifest, IReadOnlyList<FileRecord> Records, IReadOnlyList<RootPath> Paths, byte[] InputDigest)
{
    public RootFilesystem Root => Content.Root;
}
