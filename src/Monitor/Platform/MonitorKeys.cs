using System;
using System.Buffers.Binary;
using BlackBox.Cryptography;
using PlatformRootKey = BlackBox.Monitor.SealedRootKey;

namespace BlackBox.Monitor;

/// <summary>What is done with the platform's keys. Each key is derived from the root key for one purpose (HKDF-SHA-256 without salt, the purpose as info);
/// no key leaves.</summary>
internal static class MonitorKeys
{
    // WrappedKey of src/Abi/abi.json
    private const int NonceOffset = 0;
    private const int VersionOffset = 12;
    private const int DataOffset = 16;
    private const int TagOffset = 80;
    private const int ReservedOffset = 96;
    private const int BlobLength = 128;
    private const uint BlobVersion = 1;

    public static ReadOnlySpan<byte> WrapPurpose => "blackbox/wrap-key/1"u8;

    /// <summary>Checks a WrappedKey and decrypts it in place. A development build takes those too that were made for every development build.</summary>
    /// <returns>false: not made for this platform, or altered; the blob is unchanged.</returns>
    public static bool TryUnwrap(Span<byte> blob) =>
        TryUnwrap<PlatformRootKey>(blob) || ((BootFacts.Flags & BootFacts.Development) != 0 && TryUnwrap<DevelopmentRootKey>(blob));

    private static bool TryUnwrap<TRootKey>(Span<byte> blob)
        where TRootKey : IRootKey
    {
        if (blob.Length != BlobLength
            || BinaryPrimitives.ReadUInt32LittleEndian(blob.Slice(VersionOffset)) != BlobVersion
            || blob.Slice(ReservedOffset).IndexOfAnyExcept((byte)0) >= 0)
        {
            return false;
        }

        Span<byte> key = stackalloc byte[Aes256Gcm.KeyLength];
        Derive<TRootKey>(WrapPurpose, key);
        Aes256Gcm cipher = default;
        cipher.Initialize(key);
        Span<byte> data = stackalloc byte[TagOffset - DataOffset];    // a failed decryption leaves zeros
        blob.Slice(DataOffset, data.Length).CopyTo(data);
        bool isGenuine = cipher.Decrypt(
            blob.Slice(NonceOffset, Aes256Gcm.NonceLength), blob.Slice(VersionOffset, sizeof(uint)), data, blob.Slice(TagOffset, Aes256Gcm.TagLength));
        if (isGenuine)
        {
            data.CopyTo(blob.Slice(DataOffset));
        }

        data.Clear();
        cipher.Wipe();
        key.Clear();
        return isGenuine;
    }

    public static void Derive(ReadOnlySpan<byte> purpose, Span<byte> key) => Derive<PlatformRootKey>(purpose, key);

    private static void Derive<TRootKey>(ReadOnlySpan<byte> purpose, Span<byte> key)
        where TRootKey : IRootKey
    {
        Span<byte> root = stackalloc byte[IRootKey.Length];
        Span<byte> extracted = stackalloc byte[Sha256.Length];
        TRootKey.Read(root);
        HkdfSha256.Extract(default, root, extracted);
        HkdfSha256.Expand(extracted, purpose, key);
        root.Clear();
        extracted.Clear();
    }
}
