using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// A key of AES-256-GCM (FIPS 197, NIST SP 800-38D) with 96-bit nonces and 128-bit tags. The structure holds the whole
/// key schedule: keep it in memory of one's own, hand it on by reference, and <see cref="Wipe"/> it when done.
/// A nonce must never be used twice to encrypt under one key.
/// </summary>
[SkipLocalsInit]
public struct Aes256Gcm
{
    /// <summary>Bytes of a key.</summary>
    public const int KeyLength = 32;

    /// <summary>Bytes of a nonce.</summary>
    public const int NonceLength = 12;

    /// <summary>Bytes of a tag.</summary>
    public const int TagLength = 16;

    private Words60 _schedule;

    /// <summary>Expands a key into this structure.</summary>
    /// <param name="key">Exactly 32 bytes.</param>
    public void Initialize(ReadOnlySpan<byte> key)
    {
        Require.That(key.Length == KeyLength);
        Backend.Aes256Expand(key, _schedule);
    }

    /// <summary>Encrypts in place.</summary>
    /// <param name="nonce">Exactly 12 bytes, new for each message under this key.</param>
    /// <param name="associated">Data that is authenticated but not encrypted; may be empty.</param>
    /// <param name="data">Plaintext, replaced by ciphertext of the same length; may be empty.</param>
    /// <param name="tag">Receives the tag; exactly 16 bytes, outside <paramref name="data"/>.</param>
    public readonly void Encrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> data, Span<byte> tag)
    {
        Require.That(nonce.Length == NonceLength && tag.Length == TagLength);
        Backend.Aes256GcmEncrypt(_schedule, nonce, associated, data, tag);
    }

    /// <summary>
    /// Decrypts in place and checks the tag before it returns; on a mismatch <paramref name="data"/> is wiped, so that
    /// no unauthenticated plaintext is left for the caller. All inputs must be in memory that nobody else can write
    /// (or read, for <paramref name="data"/>) during the call: copy ciphertext out of shared buffers first.
    /// </summary>
    /// <param name="nonce">Exactly 12 bytes.</param>
    /// <param name="associated">The data that was authenticated along.</param>
    /// <param name="data">Ciphertext, replaced by plaintext, or by zeros if the result is false.</param>
    /// <param name="tag">The tag; another length than 16 bytes never matches.</param>
    /// <returns>Whether the tag belongs to key, nonce, associated data and ciphertext.</returns>
    public readonly bool Decrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> data, ReadOnlySpan<byte> tag) =>
        Decrypt(nonce, associated, data, data, tag);

    /// <summary>
    /// Decrypts from one place to another. The ciphertext may stand in memory that somebody else can write to during the call: each byte of
    /// it is read once, so that what is authenticated is what is decrypted. Otherwise as above.
    /// </summary>
    /// <param name="nonce">Exactly 12 bytes.</param>
    /// <param name="associated">The data that was authenticated along.</param>
    /// <param name="cipher">Ciphertext; <paramref name="data"/> itself, or apart from it.</param>
    /// <param name="data">Receives the plaintext, of the same length, or zeros if the result is false.</param>
    /// <param name="tag">The tag; another length than 16 bytes never matches.</param>
    /// <returns>Whether the tag belongs to key, nonce, associated data and ciphertext.</returns>
    public readonly bool Decrypt(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> cipher, Span<byte> data, ReadOnlySpan<byte> tag)
    {
        Require.That(nonce.Length == NonceLength && cipher.Length == data.Length);
        Unsafe.SkipInit(out Bytes16 storage);
        Span<byte> expected = storage;
        Backend.Aes256GcmDecrypt(_schedule, nonce, associated, cipher, data, expected);
        bool valid = ConstantTime.Equals(expected, tag);
        ConstantTime.Wipe(expected);
        if (!valid)
        {
            ConstantTime.Wipe(data);
        }

        return valid;
    }

    /// <summary>Overwrites the key schedule.</summary>
    public void Wipe() => ConstantTime.Wipe(ref this);
}
