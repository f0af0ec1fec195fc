using System.Buffers.Binary;
using System.Security.Cryptography;

namespace BlackBox.Images;

/// <summary>
/// The cipher of one file: AES-256-GCM by blocks under a key that belongs to path, size and content. A file that stays readable has
/// tags alone: those of nothing with the block as additional data, under a key of another label.
/// </summary>
internal sealed class ContentCipher : IDisposable
{
    private readonly AesGcm _cipher;
    private readonly bool _encrypts;
    private readonly byte[] _associated = new byte[40];
    private readonly byte[] _nonce = new byte[12];

    public ContentCipher(ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> pathHash, long size, bool encrypts = true)
    {
        Span<byte> key = stackalloc byte[ImageFormat.KeyLength];
        HKDF.Expand(HashAlgorithmName.SHA256, contentKey, key, [.. encrypts ? "blackbox file v1"u8 : "blackbox open v1"u8, .. salt]);
        _cipher = new AesGcm(key, ImageFormat.TagLength);
        _encrypts = encrypts;
        CryptographicOperations.ZeroMemory(key);
        Associate(_associated, pathHash, size);
    }

    public ContentCipher(ReadOnlySpan<byte> contentKey, FileRecord record)
        : this(contentKey, record.Salt, record.PathHash, record.Size, record.IsProtected)
    {
    }

    /// <summary>The salt of a file: changes with path, size and content, so that no nonce is used twice under one key.</summary>
    public static byte[] Salt(ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> pathHash, long size, ReadOnlySpan<byte> contentDigest)
    {
        Span<byte> data = stackalloc byte[40 + 32];
        Associate(data, pathHash, size);
        contentDigest.CopyTo(data[40..]);
        Span<byte> key = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, contentKey, key, default, "blackbox salt v1"u8);
        var salt = HMACSHA256.HashData(key, data);
        CryptographicOperations.ZeroMemory(key);
        return salt;
    }

    /// <param name="block">Number of the block.</param>
    /// <param name="plain">Its bytes.</param>
    /// <param name="stored">What the image has in their place; as long.</param>
    /// <param name="tag">Receives the tag.</param>
    public void Encrypt(long block, ReadOnlySpan<byte> plain, Span<byte> stored, Span<byte> tag)
    {
        if (_encrypts)
        {
            _cipher.Encrypt(Nonce(block), plain, stored, tag, _associated);
            return;
        }

        _cipher.Encrypt(Nonce(block), default, default, tag, plain);
        plain.CopyTo(stored);
    }

    /// <returns>false: the block has been altered.</returns>
    public bool TryDecrypt(long block, ReadOnlySpan<byte> stored, ReadOnlySpan<byte> tag, Span<byte> plain)
    {
        try
        {
            if (_encrypts)
            {
                _cipher.Decrypt(Nonce(block), stored, tag, plain, _associated);
                return true;
            }

            _cipher.Decrypt(Nonce(block), default, tag, default, stored);
            stored.CopyTo(plain);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _cipher.Dispose();

    private static void Associate(Span<byte> target, ReadOnlySpan<byte> pathHash, long size)
    {
        pathHash.CopyTo(target);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], size);
    }

    private byte[] Nonce(long block)
    {
        BinaryPrimitives.WriteInt64BigEndian(_nonce.AsSpan(4), block);
        return _nonce;
    }
}
