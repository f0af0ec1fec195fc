#if !FREESTANDING
using System;

namespace BlackBox.Cryptography;

/// <summary>The primitives under the algorithms. Ordinary .NET builds have the portable ones only.</summary>
internal static class Backend
{
    /// <summary>See <see cref="Sha256Portable.Blocks"/>.</summary>
    public static void Sha256Blocks(Span<uint> state, ReadOnlySpan<byte> data) => Sha256Portable.Blocks(state, data);

    /// <summary>See <see cref="Aes256Portable.Expand"/>.</summary>
    public static void Aes256Expand(ReadOnlySpan<byte> key, Span<uint> schedule) => Aes256Portable.Expand(key, schedule);

    /// <summary>See <see cref="GcmPortable.Crypt"/>.</summary>
    public static void Aes256GcmEncrypt(
        ReadOnlySpan<uint> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> data, Span<byte> tag)
        => GcmPortable.Crypt(schedule, nonce, associated, data, tag, decrypt: false);

    /// <summary>See <see cref="GcmPortable.Crypt"/>. The ciphertext may stand where others write: each byte is read once.</summary>
    public static void Aes256GcmDecrypt(
        ReadOnlySpan<uint> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> cipher, Span<byte> data, Span<byte> tag)
    {
        cipher.CopyTo(data);
        GcmPortable.Crypt(schedule, nonce, associated, data, tag, decrypt: true);
    }

    /// <summary>See <see cref="P384Portable.Add"/>.</summary>
    public static void P384Add(in UInt384 left, in UInt384 right, in UInt384 modulus, out UInt384 sum) =>
        P384Portable.Add(left, right, modulus, out sum);

    /// <summary>See <see cref="P384Portable.Subtract"/>.</summary>
    public static void P384Subtract(in UInt384 left, in UInt384 right, in UInt384 modulus, out UInt384 difference) =>
        P384Portable.Subtract(left, right, modulus, out difference);

    /// <summary>See <see cref="P384Portable.Multiply"/>.</summary>
    public static void P384Multiply(in UInt384 left, in UInt384 right, in UInt384 modulus, ulong inverse, out UInt384 product) =>
        P384Portable.Multiply(left, right, modulus, inverse, out product);

    /// <summary>The same for the curve's own modulus, p.</summary>
    public static void P384MultiplyField(in UInt384 left, in UInt384 right, in UInt384 p, out UInt384 product) =>
        P384Portable.Multiply(left, right, p, (1UL << 32) + 1, out product);
}
#endif
