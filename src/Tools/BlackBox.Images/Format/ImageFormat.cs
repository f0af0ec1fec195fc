using System.Security.Cryptography;
using System.Text;

namespace BlackBox.Images;

/// <summary>Names, sizes and limits of docs/image-format.md, version 1.</summary>
public static class ImageFormat
{
    public const int Version = 1;

    /// <summary>Bytes of a block; each has a nonce (its number) and a tag of its own.</summary>
    public const int BlockLength = 4096;

    /// <summary>Bytes of a GCM tag.</summary>
    public const int TagLength = 16;

    public const int KeyLength = 32;

    public const int MaximumManifest = 256 << 10;

    public const int MaximumRecords = 65_536;

    public const int MaximumPath = 4095;

    /// <summary>Files larger than this are refused, so that no product of sizes can overflow.</summary>
    public const long MaximumFile = 1L << 40;

    /// <summary>Folder of the four files that describe the protected ones.</summary>
    public static RootPath Folder { get; } = RootPath.Parse("/.blackbox");

    public static RootPath Manifest { get; } = RootPath.Parse("/.blackbox/manifest");

    public static RootPath Files { get; } = RootPath.Parse("/.blackbox/files");

    public static RootPath Tags { get; } = RootPath.Parse("/.blackbox/tags");

    public static RootPath Key { get; } = RootPath.Parse("/.blackbox/key");

    /// <summary>What protected ELF files begin with, so that the module's binfmt recognises them.</summary>
    public static ReadOnlySpan<byte> Magic => [0x7F, 0x42, 0x42, 0x58];

    public static long BlockCount(long size) => (size + BlockLength - 1) / BlockLength;

    /// <summary>SHA-256 of the path's UTF-8 bytes.</summary>
    public static byte[] HashPath(RootPath path) => SHA256.HashData(Encoding.UTF8.GetBytes(path.Text));
}
