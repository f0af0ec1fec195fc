using System;
using System.Buffers.Binary;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>What is done with the platform's keys. Each key is derived from the root key for one purpose (HKDF-SHA-256 without salt, the purpose as info);
/// no key leaves.</summary>
internal static class MonitorKeys
{
    // WrappedKey of src/Abi/abi.json
    private const int PointOffset = 0;
    private const int NonceOffset = 96;
    private const int VersionOffset = 108;
    private const int DataOffset = 112;
    private const int TagOffset = 176;
    private const int BlobLength = 192;
    private const uint BlobVersion = 2;

    public static ReadOnlySpan<byte> UnwrapPurpose => "blackbox/unwrap-key/1"u8;

    public static ReadOnlySpan<byte> AttestPurpose => "blackbox/attest-key/1"u8;

    // What a content key is wrapped with in COSE (RFC 9053, section 5.2): COSE_KDF_Context [A256GCM, no party named, [256 bits, {1: -25}]],
    // and Enc_structure ["Encrypt", {1: 3}, nothing].
    private static ReadOnlySpan<byte> KeyContext =>
        [0x84, 0x03, 0x83, 0xf6, 0xf6, 0xf6, 0x83, 0xf6, 0xf6, 0xf6, 0x82, 0x19, 0x01, 0x00, 0x44, 0xa1, 0x01, 0x38, 0x18];

    private static ReadOnlySpan<byte> EncryptContext => [0x83, 0x67, 0x45, 0x6e, 0x63, 0x72, 0x79, 0x70, 0x74, 0x43, 0xa1, 0x01, 0x03, 0x40];

    /// <summary>Checks a WrappedKey and decrypts it in place. A development build takes those too that were made for every development build.</summary>
    /// <returns>false: not made for this platform, or altered; the blob is unchanged.</returns>
    public static bool TryUnwrap(Span<byte> blob) =>
        TryUnwrap(blob, forAnybody: false) || ((BootFacts.Flags & BootFacts.Development) != 0 && TryUnwrap(blob, forAnybody: true));

    private static bool TryUnwrap(Span<byte> blob, bool forAnybody)
    {
        if (blob.Length != BlobLength || BinaryPrimitives.ReadUInt32LittleEndian(blob.Slice(VersionOffset)) != BlobVersion)
        {
            return false;
        }

        Span<byte> key = stackalloc byte[EcdhP384.PrivateKeyLength];
        Derive(UnwrapPurpose, key, forAnybody);
        Span<byte> data = stackalloc byte[TagOffset - DataOffset];    // a failed decryption leaves zeros
        blob.Slice(DataOffset, data.Length).CopyTo(data);
        bool isGenuine = EciesP384.TryDecrypt(
            key, blob.Slice(PointOffset, EcdhP384.PublicKeyLength), KeyContext, blob.Slice(NonceOffset, Aes256Gcm.NonceLength), EncryptContext,
            data, blob.Slice(TagOffset, Aes256Gcm.TagLength));
        if (isGenuine)
        {
            data.CopyTo(blob.Slice(DataOffset));
        }

        data.Clear();
        key.Clear();
        return isGenuine;
    }

    /// <summary>The public half of a P-384 key.</summary>
    public static void MakePublic(ReadOnlySpan<byte> purpose, Span<byte> publicKey)
    {
        Span<byte> key = stackalloc byte[EcdhP384.PrivateKeyLength];
        Derive(purpose, key);
        EcdhP384.TryGetPublicKey(key, publicKey);
        key.Clear();
    }

    /// <summary>Signs evidence.</summary>
    /// <returns>bytes of the message</returns>
    public static int Sign(ReadOnlySpan<byte> payload, Span<byte> message)
    {
        Span<byte> key = stackalloc byte[EcdsaP384.PrivateKeyLength];
        Derive(AttestPurpose, key);
        int length = CoseSign1.Sign(key, payload, message);
        key.Clear();
        return length;
    }

    public static void Derive(ReadOnlySpan<byte> purpose, Span<byte> key, bool forAnybody = false)
    {
        Span<byte> root = stackalloc byte[RootKey.Length];
        Span<byte> extracted = stackalloc byte[Sha256.Length];
        RootKey.Read(root, forAnybody);
        HkdfSha256.Extract(default, root, extracted);
        HkdfSha256.Expand(extracted, purpose, key);
        root.Clear();
        extracted.Clear();
    }
}
