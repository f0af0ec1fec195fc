using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>Decryption of what was encrypted for the holder of a P-384 key: ECDH with an ephemeral key, HKDF-SHA-256, AES-256-GCM. It is
/// what COSE calls ECDH-ES + HKDF-256 with A256GCM (RFC 9053, section 6.3.1); the caller brings the encoded structures.</summary>
[SkipLocalsInit]
public static class EciesP384
{
    /// <summary>Decrypts in place.</summary>
    /// <param name="privateKey">the recipient's, 48 bytes</param>
    /// <param name="ephemeralKey">the sender's point: untrusted</param>
    /// <param name="context">info of the key derivation (COSE_KDF_Context)</param>
    /// <param name="nonce">12 bytes</param>
    /// <param name="additionalData">what else the tag covers (Enc_structure)</param>
    /// <param name="data">ciphertext; zeros if the result is false</param>
    /// <param name="tag">16 bytes</param>
    /// <returns>false: not made for this key, or altered</returns>
    public static bool TryDecrypt(
        ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> ephemeralKey, ReadOnlySpan<byte> context,
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> additionalData, Span<byte> data, ReadOnlySpan<byte> tag)
    {
        Unsafe.SkipInit(out Bytes48 secret);
        if (!EcdhP384.TryAgree(privateKey, ephemeralKey, secret))
        {
            data.Clear();
            return false;
        }

        Unsafe.SkipInit(out Bytes32 extracted);
        Unsafe.SkipInit(out Bytes32 key);
        HkdfSha256.Extract(default, secret, extracted);
        HkdfSha256.Expand(extracted, context, key);
        Aes256Gcm cipher = default;
        cipher.Initialize(key);
        bool isGenuine = cipher.Decrypt(nonce, additionalData, data, tag);
        cipher.Wipe();
        ConstantTime.Wipe(ref secret);
        ConstantTime.Wipe(ref extracted);
        ConstantTime.Wipe(ref key);
        return isGenuine;
    }
}
