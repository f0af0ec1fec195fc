using System.Security.Cryptography;
using System.Security.Cryptography.Cose;

namespace BlackBox.Images;

/// <summary>The four files of /.blackbox as they stand in an image, with nothing checked but their sizes and forms.</summary>
public sealed class StoredImage
{
    private StoredImage(RootFilesystem root, byte[] signed, ImageManifest manifest, byte[] table, byte[] pages, byte[] tags, IReadOnlyList<WrappedKey> keys)
    {
        PageDigests = pages;
        Root = root;
        SignedManifestBytes = signed;
        Manifest = manifest;
        Table = table;
        Tags = tags;
        Keys = keys;
    }

    public RootFilesystem Root { get; }

    public ImageManifest Manifest { get; }

    internal byte[] SignedManifestBytes { get; }

    /// <summary>The table as far as the manifest says it goes, and what follows it: the digests of its pages.</summary>
    internal byte[] Table { get; }

    /// <inheritdoc cref="Table"/>
    internal byte[] PageDigests { get; }

    internal byte[] Tags { get; }

    /// <summary>The content key, wrapped once for each platform.</summary>
    public IReadOnlyList<WrappedKey> Keys { get; }

    /// <summary>SHA-256 of the key that the manifest names, in hexadecimal. Nothing is proven about it.</summary>
    public string PublisherDigest => Convert.ToHexStringLower(SHA256.HashData(Manifest.Publisher));

    /// <summary>SHA-256 of what the publisher signed: by this evidence names the image.</summary>
    public byte[] ManifestDigest => SHA256.HashData(CoseMessage.DecodeSign1(SignedManifestBytes).Content!.Value.Span);

    /// <summary>SHA-256 of the policy as it stands in the manifest.</summary>
    public byte[] PolicyDigest => SHA256.HashData(ManifestCodec.EncodePolicy(Manifest.Policy));

    public static bool IsProtected(RootFilesystem root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return root.Contains(ImageFormat.Folder);
    }

    /// <exception cref="ImageRefusedException">A file is missing, too large, or damaged so that it cannot be read.</exception>
    public static StoredImage Read(RootFilesystem root)
    {
        ArgumentNullException.ThrowIfNull(root);
        if (!IsProtected(root))
        {
            throw new ImageRefusedException(ImageFormat.Folder.Text, "it is missing: this is not a protected image");
        }

        RootPath[] own = [ImageFormat.Folder, ImageFormat.Manifest, ImageFormat.Files, ImageFormat.Tags, ImageFormat.Key];
        if (root.Entries.FirstOrDefault(entry => entry.Path.IsWithin(ImageFormat.Folder) && !own.Contains(entry.Path)) is { } stranger)
        {
            throw new ImageRefusedException(stranger.Path.Text, "it does not belong into this folder");
        }

        var signed = Take(root, ImageFormat.Manifest, ImageFormat.MaximumManifest);
        var manifest = SignedManifest.Read(signed);
        var files = Take(root, ImageFormat.Files, 1 << 30);
        var split = (int)Math.Min(manifest.TableLength, files.Length);
        var tags = Take(root, ImageFormat.Tags, 1 << 30);
        var keys = WrappedKey.ReadAll(Take(root, ImageFormat.Key, WrappedKey.MaximumBytes));
        return new StoredImage(root, signed, manifest, files[..split], files[split..], tags, keys);
    }

    /// <summary>The records, for a look at an image that is not trusted.</summary>
    /// <exception cref="ImageRefusedException">The table is damaged.</exception>
    public IReadOnlyList<FileRecord> ReadRecords() => FileTable.Decode(Table, Tags.Length);

    private static byte[] Take(RootFilesystem root, RootPath path, long limit)
    {
        if (root[path] is not { Kind: RootEntryKind.RegularFile } entry)
        {
            throw new ImageRefusedException(path.Text, "it is missing");
        }

        return entry.Length <= limit ? entry.Content!.ReadAllBytes() : throw new ImageRefusedException(path.Text, "it is too large");
    }
}
