using System.Security.Cryptography;
using System.Text.Json;

namespace BlackBox.Images;

/// <summary>The files of an image as it is stored: a folder of the host, or an archive that is looked into without unpacking.</summary>
internal abstract class BlobFolder
{
    private const int MaximumJson = 8 << 20;

    /// <summary>A file by its path, or null.</summary>
    public abstract ContentSource? Find(string path);

    /// <summary>A list that a JSON file gives, where null is an element like any other.</summary>
    /// <exception cref="ImageRefusedException">An element is null.</exception>
    public static IReadOnlyList<T> Checked<T>(IReadOnlyList<T>? list, string file)
        where T : class =>
        list is null ? [] : list.All(item => item is not null) ? list : throw new ImageRefusedException(file, "a list in it has an empty element");

    /// <summary>Reads a JSON file.</summary>
    /// <exception cref="ImageRefusedException">Missing, too large or damaged.</exception>
    public T ReadJson<T>(string path)
    {
        var content = Find(path) ?? throw new ImageRefusedException(path, "it is missing");
        return Parse<T>(ReadSmall(content, path), path);
    }

    /// <summary>Reads what a descriptor names and compares size and digest.</summary>
    public T ReadJson<T>(OciDescriptor? descriptor, string what)
    {
        var (content, path) = Open(descriptor, what);
        var bytes = ReadSmall(content, path);
        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == DigestOf(descriptor!, what)
            ? Parse<T>(bytes, path)
            : throw new ImageRefusedException(path, "its content does not fit its digest");
    }

    /// <summary>The file that a descriptor names. Its digest is not compared yet.</summary>
    public (ContentSource Content, string Path) Open(OciDescriptor? descriptor, string what)
    {
        if (descriptor is null)
        {
            throw new ImageRefusedException(what, "it is not named");
        }

        var path = $"blobs/sha256/{DigestOf(descriptor, what)}";
        var content = Find(path) ?? throw new ImageRefusedException(path, $"the {what} is missing");
        return content.Length == descriptor.Size ? (content, path) : throw new ImageRefusedException(path, $"it has {content.Length} bytes instead of {descriptor.Size}");
    }

    /// <summary>The digest in hexadecimal. It becomes part of a path, so nothing but hexadecimal digits may be in it.</summary>
    public static string DigestOf(OciDescriptor descriptor, string what) => CheckDigest(descriptor.Digest, what);

    /// <inheritdoc cref="DigestOf"/>
    public static string CheckDigest(string? digest, string what)
    {
        const string Prefix = "sha256:";
        return digest is { Length: 71 } text && text.StartsWith(Prefix, StringComparison.Ordinal) && text.Skip(Prefix.Length).All(letter => char.IsAsciiHexDigitLower(letter))
            ? text[Prefix.Length..]
            : throw new ImageRefusedException(what, "its digest is not a sha256 one");
    }

    private static byte[] ReadSmall(ContentSource content, string path) =>
        content.Length <= MaximumJson ? content.ReadAllBytes() : throw new ImageRefusedException(path, "it is too large for a JSON file of an image");

    private static T Parse<T>(byte[] bytes, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, OciMedia.Json) ?? throw new ImageRefusedException(path, "it is empty");
        }
        catch (JsonException error)
        {
            throw new ImageRefusedException(path, $"it is not the JSON that belongs here ({error.Message.TrimEnd('.')})", error);
        }
    }
}

/// <summary>A folder of the host.</summary>
internal sealed class HostBlobFolder(string folder) : BlobFolder
{
    public override ContentSource? Find(string path)
    {
        // A link in a layout could lead to any file of this host.
        var host = Path.Combine(folder, path);
        for (var part = host; part.Length > folder.Length; part = Path.GetDirectoryName(part)!)
        {
            if (new FileInfo(part).LinkTarget is not null)
            {
                throw new ImageRefusedException(path, "symbolic links are not allowed in an image layout");
            }
        }

        return File.Exists(host) ? ContentSource.FromFile(host) : null;
    }
}

/// <summary>An archive, whose own links (docker writes some) lead nowhere but into it.</summary>
internal sealed class ArchiveBlobFolder(RootFilesystem archive) : BlobFolder
{
    public override ContentSource? Find(string path) => archive.Resolve(path) is { Kind: RootEntryKind.RegularFile } entry ? entry.Content : null;
}
