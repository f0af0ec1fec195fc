using System.Security.Cryptography;
using BlackBox.Hosting;

namespace BlackBox.Images;

/// <summary>Whom to believe when an image is checked.</summary>
public sealed record VerificationOptions
{
    /// <summary>Platforms whose keys may open the image.</summary>
    public IReadOnlyList<PlatformKey> Platforms { get; init; } = [PlatformKey.Development];

    /// <summary>The content key, if it is known otherwise.</summary>
    public byte[]? ContentKey { get; init; }

    /// <summary>SHA-256 of the key of the only publisher that is accepted; null: the one that the wrapped key names.</summary>
    public byte[]? Publisher { get; init; }

    /// <summary>False: contents are not decrypted, and no key is needed. The signature is then checked only against the manifest's own key, unless <see cref="Publisher"/> is given.</summary>
    public bool Decrypt { get; init; } = true;

    /// <summary>False: owners are not compared, since an unpacked image has those of whoever unpacked it.</summary>
    public bool CompareOwners { get; init; } = true;
}

/// <summary>An image that was found to be what its publisher made.</summary>
/// <param name="Manifest">What was signed.</param>
/// <param name="Records">The file table.</param>
/// <param name="Plain">The root file system in clear, without /.blackbox; null when it was not decrypted.</param>
public sealed record VerifiedImage(ImageManifest Manifest, IReadOnlyList<FileRecord> Records, RootFilesystem? Plain);

/// <summary>
/// Checks a protected image as the shield does, in the order of docs/image-format.md, and beyond that every file at once:
/// nothing that is listed may be missing or other than listed, nothing but what is outside of the image may be unlisted.
/// </summary>
public static class ImageVerifier
{
    private const string Step = "Checking";

    /// <exception cref="ImageRefusedException">It is not what its publisher made; the message names the file.</exception>
    public static VerifiedImage Verify(
        RootFilesystem root, VerificationOptions options, IProgress<StepUpdate>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var stored = StoredImage.Read(root);
        var (contentKey, publisher) = OpenKey(stored, options);
        var manifest = SignedManifest.Verify(stored.SignedManifestBytes);
        if (publisher is not null && !SHA256.HashData(manifest.Publisher).AsSpan().SequenceEqual(publisher))
        {
            throw new ImageRefusedException(ImageFormat.Manifest.Text, "it is signed by another publisher than the one that the key belongs to");
        }

        if (stored.Table.Length != manifest.TableLength
            || !SHA384.HashData(stored.PageDigests).AsSpan().SequenceEqual(manifest.TableDigest)
            || !FileTable.PageDigests(stored.Table).AsSpan().SequenceEqual(stored.PageDigests))
        {
            throw new ImageRefusedException(ImageFormat.Files.Text, "it is not the file table that was signed");
        }

        if (stored.Tags.Length != manifest.TagsLength)
        {
            throw new ImageRefusedException(ImageFormat.Tags.Text, "it has another length than was signed");
        }

        var records = FileTable.Decode(stored.Table, manifest.TagsLength);
        var plain = CheckFiles(stored, records, contentKey, options, progress, cancellation);
        CheckEntryPoint(root, manifest.Policy, records);
        return new VerifiedImage(manifest, records, contentKey is null ? null : plain);
    }

    /// <summary>The content key and the publisher that must have signed.</summary>
    private static (byte[]? ContentKey, byte[]? Publisher) OpenKey(StoredImage stored, VerificationOptions options)
    {
        if (!options.Decrypt || options.ContentKey is not null)
        {
            return (options.Decrypt ? options.ContentKey : null, options.Publisher);
        }

        foreach (var platform in options.Platforms)
        {
            foreach (var opened in stored.Keys.Select(key => key.Unwrap(platform)).OfType<(byte[] ContentKey, byte[] Publisher)>())
            {
                return options.Publisher is { } wanted && !wanted.AsSpan().SequenceEqual(opened.Publisher)
                    ? throw new ImageRefusedException(ImageFormat.Key.Text, "it belongs to another publisher than the one asked for")
                    : opened;
            }
        }

        throw new ImageRefusedException(ImageFormat.Key.Text,
            $"it opens on none of the platforms known here ({string.Join(", ", options.Platforms.Select(platform => platform.Name))}), or it has been altered");
    }

    private static RootFilesystem CheckFiles(
        StoredImage stored, IReadOnlyList<FileRecord> records, byte[]? contentKey, VerificationOptions options, IProgress<StepUpdate>? progress, CancellationToken cancellation)
    {
        var policy = stored.Manifest.Policy;
        var pending = records.ToDictionary(record => Convert.ToHexString(record.PathHash));
        var plain = new RootFilesystem();
        long done = 0, total = Math.Max(1, stored.Root.TotalLength);
        foreach (var entry in stored.Root.Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            if (entry.Path.IsWithin(ImageFormat.Folder))
            {
                continue;
            }

            if (!pending.Remove(Convert.ToHexString(ImageFormat.HashPath(entry.Path)), out var record))
            {
                Check(policy.IsOutside(entry.Path), entry.Path.Text, "it is not listed");
                plain.Add(entry);
                continue;
            }

            Check(!options.CompareOwners || (entry.UserId == record.UserId && entry.GroupId == record.GroupId), entry.Path.Text,
                $"it belongs to {entry.UserId}:{entry.GroupId}, listed is {record.UserId}:{record.GroupId}");
            plain.Add(CheckListed(stored, entry, record, records, contentKey));
            done += entry.Length;
            progress?.Report(new StepUpdate(Step, (double)done / total, entry.Path.Text));
        }

        if (pending.Values.FirstOrDefault() is { } missing)
        {
            throw new ImageRefusedException(ImageFormat.Files.Text, missing.LinkTarget is { } target
                ? $"a symbolic link to {target} is listed, but missing"
                : $"{FileTable.Name(missing.PathHash)} is listed, but missing");
        }

        progress?.Report(new StepUpdate(Step, 1, $"{records.Count} files"));
        return plain;
    }

    private static RootEntry CheckListed(StoredImage stored, RootEntry entry, FileRecord record, IReadOnlyList<FileRecord> records, byte[]? contentKey)
    {
        var path = entry.Path.Text;
        if (record.IsDirectory)
        {
            Check(entry.Kind == RootEntryKind.Directory, path, "it is listed as a folder, but is none");
            Check((0x4000 | entry.Mode) == record.Mode, path, $"its mode is {Octal(entry.Mode)}, listed is {Octal(record.Mode & 0xFFF)}");
            Check(record.Names.All(item => item.Record < 0 || records[item.Record].PathHash.AsSpan().SequenceEqual(ImageFormat.HashPath(entry.Path.Combine(item.Name)))), path, "the names in it are not those of its files");
            return entry;
        }

        if (record.IsLink)
        {
            return entry.Kind != RootEntryKind.SymbolicLink ? throw new ImageRefusedException(path, "it is listed as a symbolic link, but is none")
                : entry.LinkTarget != record.LinkTarget ? throw new ImageRefusedException(path, $"the link leads to {entry.LinkTarget}, listed is {record.LinkTarget}")
                : entry;
        }

        Check(entry.Kind == RootEntryKind.RegularFile, path, "it is listed as a file, but is none");
        Check(entry.Length == record.Size, path, $"it has {entry.Length} bytes, listed are {record.Size}");
        Check((0x8000 | entry.Mode) == record.Mode, path, $"its mode is {Octal(entry.Mode)}, listed is {Octal(record.Mode & 0xFFF)}");
        var tags = stored.Tags.AsMemory((int)record.TagsOffset, (int)record.TagsLength);
        Check(SHA256.HashData(tags.Span).AsSpan().SequenceEqual(record.TagsDigest), path, "its tags in /.blackbox/tags have been altered");
        Check(!record.HasMagic || FileKinds.Of(entry) == FileKind.ProtectedCode, path, "it does not begin with the magic of protected code");
        if (contentKey is null)
        {
            return entry;
        }

        var content = new PlainContent(entry.Path, entry.Content!, contentKey, record, tags);
        using var stream = content.Open();
        var digest = SHA256.HashData(stream);
        Check(ContentCipher.Salt(contentKey, record.PathHash, record.Size, digest).AsSpan().SequenceEqual(record.Salt), path, "its salt does not belong to its content");
        return entry.WithContent(content);
    }

    private static void CheckEntryPoint(RootFilesystem root, ImagePolicy policy, IReadOnlyList<FileRecord> records)
    {
        Check(root.Resolve(policy.EntryPoint) is { } program
            && records.FirstOrDefault(record => record.PathHash.AsSpan().SequenceEqual(ImageFormat.HashPath(program.Path))) is { } found
            && (found.Flags & (FileFlags.Code | FileFlags.Script)) != 0
            && (found.Mode & 0x49) != 0, policy.EntryPoint, "the entry point is not listed as an executable");
    }

    private static string Octal(int mode) => Convert.ToString(mode, 8).PadLeft(4, '0');

    private static void Check(bool condition, string file, string reason)
    {
        if (!condition)
        {
            throw new ImageRefusedException(file, reason);
        }
    }
}
