using System.Globalization;
using System.Security.Cryptography;

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

    /// <summary>SHA-256 of the publisher's key in hexadecimal.</summary>
    public string PublisherDigest => Convert.ToHexStringLower(SHA256.HashData(Manifest.Publisher));

    /// <summary>Annotations for the OCI image manifest: how tools recognise a protected image without opening its layer.</summary>
    public IReadOnlyDictionary<string, string> Annotations => new Dictionary<string, string>
    {
        ["blackbox.format"] = ImageFormat.Version.ToString(CultureInfo.InvariantCulture),
        ["blackbox.publisher"] = PublisherDigest,
        ["org.opencontainers.image.title"] = Manifest.Name,
    };
}
