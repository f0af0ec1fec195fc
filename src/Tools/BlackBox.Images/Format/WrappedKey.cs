using System.Buffers.Binary;
using System.Security.Cryptography;

namespace BlackBox.Images;

/// <summary>A content key wrapped for a platform: WrappedKey of src/Abi/abi.json.</summary>
public static class WrappedKey
{
    /// <summary>Bytes of a wrapped key.</summary>
    public const int Length = 128;

    /// <summary>Keys that an image may carry, one for each platform it may run on.</summary>
    public const int MaximumCount = 64;

    private const uint Version = 1;
    private const int NonceLength = 12;
    private const int DataOffset = 16;
    private const int DataLength = 64;
    private const int TagOffset = 80;
    private const int ReservedOffset = 96;

    /// <summary>
    /// Wraps. The nonce is derived from what is wrapped, under a key that only the platform and the publisher have: equal
    /// input gives equal output, different input a different nonce.
    /// </summary>
    public static byte[] Wrap(ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> publisherDigest, PlatformKey platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        Span<byte> data = stackalloc byte[DataLength];
        contentKey.CopyTo(data);
        publisherDigest.CopyTo(data[ImageFormat.KeyLength..]);
        var blob = new byte[Length];
        Span<byte> nonceKey = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, platform.WrapKey, nonceKey, default, "blackbox wrap nonce v1"u8);
        HMACSHA256.HashData(nonceKey, data).AsSpan(0, NonceLength).CopyTo(blob);
        BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(NonceLength), Version);
        using var cipher = new AesGcm(platform.WrapKey, ImageFormat.TagLength);
        cipher.Encrypt(blob.AsSpan(0, NonceLength), data, blob.AsSpan(DataOffset, DataLength), blob.AsSpan(TagOffset, ImageFormat.TagLength), blob.AsSpan(NonceLength, 4));
        CryptographicOperations.ZeroMemory(data);
        CryptographicOperations.ZeroMemory(nonceKey);
        return blob;
    }

    /// <summary>Checks the parts that are not secret.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> blob) =>
        blob.Length == Length
        && BinaryPrimitives.ReadUInt32LittleEndian(blob[NonceLength..]) == Version
        && blob[ReservedOffset..].IndexOfAnyExcept((byte)0) < 0;

    /// <returns>The content key and the SHA-256 of the publisher's key; null: wrapped for another platform, or altered.</returns>
    public static (byte[] ContentKey, byte[] PublisherDigest)? Unwrap(ReadOnlySpan<byte> blob, PlatformKey platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        if (!IsWellFormed(blob))
        {
            return null;
        }

        var data = new byte[DataLength];
        using var cipher = new AesGcm(platform.WrapKey, ImageFormat.TagLength);
        try
        {
            cipher.Decrypt(blob[..NonceLength], blob.Slice(DataOffset, DataLength), blob.Slice(TagOffset, ImageFormat.TagLength), data, blob.Slice(NonceLength, 4));
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return (data[..ImageFormat.KeyLength], data[ImageFormat.KeyLength..]);
    }
}
