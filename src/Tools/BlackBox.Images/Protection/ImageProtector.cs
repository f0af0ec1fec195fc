using System.Security.Cryptography;
using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>Turns an image into a protected one (docs/image-format.md). Equal input, options and keys give an equal image.</summary>
public static class ImageProtector
{
    /// <param name="content">A clear image. Its files are read now and again when the result is; they must not change meanwhile.</param>
    /// <param name="options">How.</param>
    /// <param name="publisher">Who signs.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between two blocks.</param>
    /// <exception cref="ImageRefusedException">The image cannot be protected: it already is, has too many files, or no such entry point.</exception>
    public static ProtectedImage Protect(
        ImageContent content, ProtectionOptions options, PublisherKey publisher, IProgress<StepUpdate>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(publisher);
        if (content.Root.Contains(ImageFormat.Folder))
        {
            throw new ImageRefusedException(ImageFormat.Folder.Text, "the image is protected already");
        }

        if (options.Platforms.Count is 0 or > WrappedKey.MaximumCount || options.ContentKey is { Length: not ImageFormat.KeyLength })
        {
            throw new ArgumentException("an image needs 1 to 64 platforms, and a content key of 32 bytes if one is given", nameof(options));
        }

        var policy = options.Policy ?? PolicyBuilder.Build(content);
        var root = OutsidePaths.Complete(content.Root, policy);
        var builder = new TableBuilder(root, policy, options.Scope);
        CheckEntryPoint(root, policy, builder.Entries);
        var work = new FileWork(progress ?? NoProgress.Instance, cancellation);
        var digests = work.Hash(root);
        var input = InputDigest.Compute(root, digests, ManifestCodec.EncodePolicy(policy));
        var contentKey = options.ContentKey ?? publisher.Derive("blackbox content key v1"u8, input);

        var records = new FileRecord[builder.Entries.Count];
        long tagsLength = 0;
        for (var i = 0; i < records.Length; i++)
        {
            var item = builder.Entries[i];
            var record = builder.Describe(item, tagsLength);
            tagsLength += record.TagsLength;
            records[i] = record.IsFile
                ? record with { Salt = ContentCipher.Salt(contentKey, record.PathHash, record.Size, digests[item.Entry.Path]) }
                : record;
        }

        var tags = work.Encrypt(builder.Entries, records, contentKey, tagsLength);
        for (var i = 0; i < records.Length; i++)
        {
            if (records[i].IsFile && records[i].Flags != FileFlags.None)
            {
                var entry = builder.Entries[i].Entry;
                root.Add(entry.WithContent(new CipherContent(entry.Content!, contentKey, records[i])));
            }
        }

        var table = FileTable.Encode(records, options.Time);
        var pages = FileTable.PageDigests(table);
        var manifest = new ImageManifest
        {
            Name = content.Configuration.Name,
            Counter = options.Counter,
            Policy = policy,
            TableDigest = SHA384.HashData(pages),
            TableLength = table.Length,
            TagsLength = tagsLength,
            Publisher = publisher.Public,
        };
        AddOwnFile(root, ImageFormat.Manifest, ContentSource.FromBytes(SignedManifest.Sign(manifest, publisher)));
        AddOwnFile(root, ImageFormat.Files, ContentSource.FromBytes((byte[])[.. table, .. pages]));
        AddOwnFile(root, ImageFormat.Tags, tags);
        AddOwnFile(root, ImageFormat.Key, ContentSource.FromBytes((byte[])[.. options.Platforms.SelectMany(platform => WrappedKey.Wrap(contentKey, publisher.Digest, platform))]));
        return new ProtectedImage(content with { Root = root }, manifest, records, [.. builder.Entries.Select(item => item.Entry.Path)], input);
    }

    private static void CheckEntryPoint(RootFilesystem root, ImagePolicy policy, IReadOnlyList<TableEntry> listed)
    {
        if (root.Resolve(policy.EntryPoint) is not { Kind: RootEntryKind.RegularFile } program
            || (program.Mode & 0x49) == 0
            || !listed.Any(item => item.Entry.Path == program.Path && (item.Flags & (FileFlags.Code | FileFlags.Script)) != 0))
        {
            throw new ImageRefusedException(policy.EntryPoint, "the entry point is no executable program or script in the image");
        }
    }

    private static void AddOwnFile(RootFilesystem root, RootPath path, ContentSource content) => root.Add(RootEntry.File(path, content, 0x124));
}
