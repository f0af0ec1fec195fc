using System.Security.Cryptography;
using System.Text;

namespace BlackBox.Images;

/// <summary>Names, sizes and limits of docs/image-format.md, version 2.</summary>
public static class ImageFormat
{
    public const int Version = 2;

    /// <summary>Bytes of a block; each has a nonce (its number) and a tag of its own.</summary>
    public const int BlockLength = 4096;

    /// <summary>Bytes of a GCM tag.</summary>
    public const int TagLength = 16;

    public const int KeyLength = 32;

    public const int MaximumManifest = 256 << 10;

    public const int MaximumRecords = 65_536;

    public const int MaximumPath = 4095;

    /// <summary>Largest file that the shield opens: its tags must fit into 2 MiB.</summary>
    public const long MaximumFile = 512L << 20;

    /// <summary>Larger sizes and offsets are refused, so that no product of them can overflow.</summary>
    public const long MaximumOffset = 1L << 40;

    /// <summary>Bytes of a page of the file table; each is verified when it is first used.</summary>
    public const int PageLength = 4096;

    /// <summary>Bytes of a page's digest (SHA-256).</summary>
    public const int PageDigestLength = 32;

    /// <summary>Writable and clear paths of a manifest, each.</summary>
    public const int MaximumOutsidePaths = 64;

    /// <summary>Folder of the four files that describe the protected ones.</summary>
    public static RootPath Folder { get; } = RootPath.Parse("/.blackbox");

    public static RootPath Manifest { get; } = RootPath.Parse("/.blackbox/manifest");

    public static RootPath Files { get; } = RootPath.Parse("/.blackbox/files");

    public static RootPath Tags { get; } = RootPath.Parse("/.blackbox/tags");

    public static RootPath Key { get; } = RootPath.Parse("/.blackbox/key");

    /// <summary>What protected ELF files begin with, so that the module's binfmt recognises them.</summary>
    public static ReadOnlySpan<byte> Magic => [0x7F, 0x42, 0x42, 0x58];

    /// <summary>Pages of a file table of <paramref name="length"/> bytes.</summary>
    public static long PageCount(long length) => (length + PageLength - 1) / PageLength;

    public static long BlockCount(long size) => (size + BlockLength - 1) / BlockLength;

    /// <summary>SHA-256 of the path's UTF-8 bytes.</summary>
    public static byte[] HashPath(RootPath path) => SHA256.HashData(Encoding.UTF8.GetBytes(path.Text));
}
