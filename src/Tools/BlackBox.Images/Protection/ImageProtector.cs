using System.Security.Cryptography;
using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>Turns an image into a protected one (docs/image-format.md). Equal input, options and keys give an equal image.</summary>
public static class ImageProtector
{
    private const string HashStep = "Reading files";
    private const string EncryptStep = "Encrypting";

    // Container engines mount over these before the first instruction of a container runs, so nothing can be said about them.
    private static readonly string[] EngineFiles = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

    // Container runtimes read these for the user's name, group and home.
    private static readonly string[] RuntimeFiles = ["/etc/passwd", "/etc/group"];

    /// <param name="content">A clear image. Its files are read now and again when the result is; they must not change meanwhile.</param>
    /// <param name="options">How.</param>
    /// <param name="publisher">Who signs.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops between two files.</param>
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
        var digests = HashFiles(content.Root, progress, cancellation);
        var input = InputDigest.Compute(content.Root, digests, ManifestCodec.EncodePolicy(policy));
        var contentKey = options.ContentKey ?? publisher.Derive("blackbox content key v1"u8, input);

        var chosen = Choose(content.Root, options.Scope);
        CheckEntryPoint(content.Root, policy, chosen);
        var root = new RootFilesystem();
        root.Merge(content.Root);
        using var tags = new MemoryStream();
        var records = new List<FileRecord>(chosen.Count);
        long done = 0, total = Math.Max(1, chosen.Sum(item => item.Entry.Length));
        foreach (var (entry, flags, pathHash) in chosen)
        {
            cancellation.ThrowIfCancellationRequested();
            var record = Describe(entry, flags, pathHash, digests.GetValueOrDefault(entry.Path));
            if (record.IsProtected)
            {
                record = Encrypt(entry, record, digests[entry.Path], contentKey, tags);
                root.Add(entry.WithContent(new CipherContent(entry.Content!, contentKey, record)));
            }

            records.Add(record);
            done += entry.Length;
            progress?.Report(new StepUpdate(EncryptStep, (double)done / total, entry.Path.Text));
        }

        var table = FileTable.Encode(records);
        var manifest = new ImageManifest
        {
            Name = content.Configuration.Name,
            Counter = options.Counter,
            Policy = policy,
            TableDigest = SHA384.HashData(table),
            TableLength = table.Length,
            TagsLength = tags.Length,
            Publisher = publisher.Public,
        };
        AddOwnFile(root, ImageFormat.Manifest, SignedManifest.Sign(manifest, publisher));
        AddOwnFile(root, ImageFormat.Files, table);
        AddOwnFile(root, ImageFormat.Tags, tags.ToArray());
        AddOwnFile(root, ImageFormat.Key, [.. options.Platforms.SelectMany(platform => WrappedKey.Wrap(contentKey, publisher.Digest, platform))]);
        progress?.Report(new StepUpdate(EncryptStep, 1, $"{records.Count(record => record.IsProtected)} files"));
        return new ProtectedImage(content with { Root = root }, manifest, records, [.. chosen.Select(item => item.Entry.Path)], input);
    }

    private static Dictionary<RootPath, byte[]> HashFiles(RootFilesystem root, IProgress<StepUpdate>? progress, CancellationToken cancellation)
    {
        var digests = new Dictionary<RootPath, byte[]>();
        long done = 0, total = Math.Max(1, root.TotalLength);
        foreach (var entry in root.Entries.Where(entry => entry.Kind == RootEntryKind.RegularFile))
        {
            cancellation.ThrowIfCancellationRequested();
            if (entry.Length > ImageFormat.MaximumFile)
            {
                throw new ImageRefusedException(entry.Path.Text, "the file is larger than 1 TiB");
            }

            using var stream = entry.Content!.Open();
            digests[entry.Path] = SHA256.HashData(stream);
            done += entry.Length;
            progress?.Report(new StepUpdate(HashStep, (double)done / total, entry.Path.Text));
        }

        return digests;
    }

    /// <summary>What the table lists, in its order.</summary>
    private static List<(RootEntry Entry, FileFlags Flags, byte[] PathHash)> Choose(RootFilesystem root, EncryptionScope scope)
    {
        var chosen = new List<(RootEntry Entry, FileFlags Flags, byte[] PathHash)>();
        foreach (var entry in root.Entries)
        {
            if (entry.Kind is RootEntryKind.RegularFile or RootEntryKind.SymbolicLink && FlagsOf(entry, scope) is { } flags)
            {
                chosen.Add((entry, flags, ImageFormat.HashPath(entry.Path)));
            }
        }

        if (chosen.Count > ImageFormat.MaximumRecords)
        {
            throw new ImageRefusedException("the image", $"it has {chosen.Count} files to list, the format takes {ImageFormat.MaximumRecords}");
        }

        chosen.Sort((a, b) => a.PathHash.AsSpan().SequenceCompareTo(b.PathHash));
        return chosen;
    }

    private static FileFlags? FlagsOf(RootEntry entry, EncryptionScope scope)
    {
        if (entry.Kind == RootEntryKind.SymbolicLink)
        {
            return FileFlags.SymbolicLink;
        }

        return FileKinds.Of(entry) switch
        {
            FileKind.Code => FileFlags.Protected | FileFlags.Code,
            FileKind.Script => FileFlags.Script,
            FileKind.ProtectedCode => throw new ImageRefusedException(entry.Path.Text, "the file is protected code of another image"),
            _ when scope == EncryptionScope.Elf || EngineFiles.Contains(entry.Path.Text) => null,
            _ when RuntimeFiles.Contains(entry.Path.Text) => FileFlags.None,
            _ => FileFlags.Protected,
        };
    }

    private static FileRecord Describe(RootEntry entry, FileFlags flags, byte[] pathHash, byte[]? digest) => entry.Kind == RootEntryKind.SymbolicLink
        ? new FileRecord { PathHash = pathHash, Flags = flags, Mode = 0xA1FF, LinkTarget = entry.LinkTarget }
        : new FileRecord
        {
            PathHash = pathHash,
            Flags = flags,
            Mode = 0x8000 | entry.Mode,
            Size = entry.Length,
            Salt = flags.HasFlag(FileFlags.Protected) ? new byte[32] : digest!,
        };

    private static FileRecord Encrypt(RootEntry entry, FileRecord record, byte[] digest, byte[] contentKey, MemoryStream tags)
    {
        var salt = ContentCipher.Salt(contentKey, record.PathHash, record.Size, digest);
        using var cipher = new ContentCipher(contentKey, salt, record.PathHash, record.Size);
        using var tagHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var plain = entry.Content!.Open();
        var (input, output, tag, head) = (new byte[ImageFormat.BlockLength], new byte[ImageFormat.BlockLength], new byte[ImageFormat.TagLength], new byte[4]);
        var offset = tags.Length;
        for (long block = 0, left = record.Size; left > 0; block++)
        {
            var length = (int)Math.Min(left, ImageFormat.BlockLength);
            plain.ReadExactly(input, 0, length);
            cipher.Encrypt(block, input.AsSpan(0, length), output.AsSpan(0, length), tag);
            if (block == 0 && record.Flags.HasFlag(FileFlags.Code))
            {
                output.AsSpan(0, head.Length).CopyTo(head);
            }

            tags.Write(tag);
            tagHash.AppendData(tag);
            left -= length;
        }

        return record with { Salt = salt, TagsDigest = tagHash.GetHashAndReset(), TagsOffset = offset, Head = head };
    }

    private static void CheckEntryPoint(RootFilesystem root, ImagePolicy policy, List<(RootEntry Entry, FileFlags Flags, byte[] PathHash)> chosen)
    {
        if (root.Resolve(policy.EntryPoint) is not { Kind: RootEntryKind.RegularFile } program
            || (program.Mode & 0x49) == 0
            || !chosen.Any(item => item.Entry.Path == program.Path && (item.Flags & (FileFlags.Code | FileFlags.Script)) != 0))
        {
            throw new ImageRefusedException(policy.EntryPoint, "the entry point is no executable program or script in the image");
        }
    }

    private static void AddOwnFile(RootFilesystem root, RootPath path, byte[] bytes) =>
        root.Add(RootEntry.File(path, ContentSource.FromBytes(bytes), 0x124));
}
