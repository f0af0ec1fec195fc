using System;
using System.Buffers.Binary;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>The files that a boot manifest vouches for, in its order.</summary>
public enum BootFile
{
    Kernel = 0,
    Initrd = 1,
    CommandLine = 2,
}

/// <summary>
/// What the monitor may start: sizes and SHA-256 digests of kernel, initial RAM disk and command line, signed with ES384. All of it has a fixed
/// place, so that nothing unauthenticated steers the reading:
/// 0 magic "BBXBOOT2"; 8 time of signing, Unix seconds (to tell manifests apart; it is not checked); 16 counter: a TPM remembers the highest one; 24 per file of <see cref="BootFile"/>: size
/// in bytes, 8 bytes, and digest, 32 bytes; 144 signature over all before it, r and s. Integers are little-endian.
/// </summary>
public readonly ref struct BootManifest
{
    /// <summary>Bytes of a manifest.</summary>
    public const int Length = SignedLength + EcdsaP384.SignatureLength;

    /// <summary>Bytes that are signed.</summary>
    public const int SignedLength = FilesOffset + (Files * FileLength);

    private const int Files = 3;
    private const int FilesOffset = 24;
    private const int FileLength = sizeof(ulong) + Sha256.Length;

    private readonly ReadOnlySpan<byte> _bytes;

    private BootManifest(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    private static ReadOnlySpan<byte> Magic => "BBXBOOT2"u8;

    /// <summary>No manifest with a smaller one is started any more.</summary>
    public ulong Counter => BinaryPrimitives.ReadUInt64LittleEndian(_bytes.Slice(16));

    /// <summary>Takes a manifest if its signature is right.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> file, ReadOnlySpan<byte> publicKey, out BootManifest manifest)
    {
        manifest = default;
        if (file.Length != Length || !file.Slice(0, 8).SequenceEqual(Magic)
            || !EcdsaP384.VerifyMessage(publicKey, file.Slice(0, SignedLength), file.Slice(SignedLength)))
        {
            return false;
        }

        manifest = new BootManifest(file);
        return true;
    }

    /// <summary>Is content of this size in bytes and with this SHA-256 what was signed?</summary>
    public bool Matches(BootFile file, ulong size, ReadOnlySpan<byte> digest)
    {
        ReadOnlySpan<byte> entry = _bytes.Slice(FilesOffset + ((int)file * FileLength), FileLength);
        return BinaryPrimitives.ReadUInt64LittleEndian(entry) == size && digest.SequenceEqual(entry.Slice(sizeof(ulong)));
    }
}
