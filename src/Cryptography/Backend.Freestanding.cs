#if FREESTANDING
using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Cryptography;

/// <summary>
/// The primitives under the algorithms in monitor and shield: the routines in <c>Assembly/</c> where the processor has
/// the instructions, else the portable ones. The routines keep all vector registers; the caller must have enabled
/// access to them (CPTR_EL2, CPACR_EL1).
/// </summary>
internal static class Backend
{
    private static bool s_aes;
    private static bool s_sha256;

    /// <summary>Sets what may be used; until the first call only portable code runs.</summary>
    public static void Select(InstructionSet instructions)
    {
        s_aes = instructions.Aes && instructions.Pmull;
        s_sha256 = instructions.Sha256;
    }

    /// <summary>See <see cref="Sha256Portable.Blocks"/>.</summary>
    public static void Sha256Blocks(Span<uint> state, ReadOnlySpan<byte> data)
    {
        if (!s_sha256)
        {
            Sha256Portable.Blocks(state, data);
            return;
        }

        Require.That(state.Length == 8);
        Sha256BlocksArm(ref MemoryMarshal.GetReference(state), ref MemoryMarshal.GetReference(data), (nuint)data.Length / 64);
    }

    /// <summary>See <see cref="Aes256Portable.Expand"/>.</summary>
    public static void Aes256Expand(ReadOnlySpan<byte> key, Span<uint> schedule)
    {
        if (!s_aes)
        {
            Aes256Portable.Expand(key, schedule);
            return;
        }

        Require.That(key.Length == 32 && schedule.Length == Aes256Portable.ScheduleWords);
        Aes256ExpandArm(ref MemoryMarshal.GetReference(key), ref MemoryMarshal.GetReference(schedule));
    }

    /// <summary>See <see cref="GcmPortable.Crypt"/>.</summary>
    public static void Aes256GcmEncrypt(
        ReadOnlySpan<uint> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> data, Span<byte> tag)
    {
        if (!s_aes)
        {
            GcmPortable.Crypt(schedule, nonce, associated, data, tag, decrypt: false);
            return;
        }

        Crypt(schedule, nonce, associated, data, tag, ref Unsafe.NullRef<byte>());
    }

    /// <summary>See <see cref="GcmPortable.Crypt"/>. The ciphertext may stand where others write: each byte is read once.</summary>
    public static void Aes256GcmDecrypt(
        ReadOnlySpan<uint> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> cipher, Span<byte> data, Span<byte> tag)
    {
        if (!s_aes)
        {
            cipher.CopyTo(data);
            GcmPortable.Crypt(schedule, nonce, associated, data, tag, decrypt: true);
            return;
        }

        Require.That(cipher.Length == data.Length);
        Crypt(schedule, nonce, associated, data, tag, ref MemoryMarshal.GetReference(cipher));
    }

    private static void Crypt(
        ReadOnlySpan<uint> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> data, Span<byte> tag, ref byte cipher)
    {
        Require.That(schedule.Length == Aes256Portable.ScheduleWords && nonce.Length == 12 && tag.Length == 16);
        Aes256GcmCryptArm(
            ref MemoryMarshal.GetReference(schedule),
            ref MemoryMarshal.GetReference(nonce),
            ref MemoryMarshal.GetReference(associated),
            (nuint)associated.Length,
            ref MemoryMarshal.GetReference(data),
            (nuint)data.Length,
            ref MemoryMarshal.GetReference(tag),
            ref cipher);
    }

    // The arithmetic of P-384 needs no instructions that a processor could lack. The routines write all of a result.

    /// <summary>See <see cref="P384Portable.Add"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void P384Add(in UInt384 left, in UInt384 right, in UInt384 modulus, out UInt384 sum) =>
        P384AddArm(out sum, in left, in right, in modulus);

    /// <summary>See <see cref="P384Portable.Subtract"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void P384Subtract(in UInt384 left, in UInt384 right, in UInt384 modulus, out UInt384 difference) =>
        P384SubtractArm(out difference, in left, in right, in modulus);

    /// <summary>See <see cref="P384Portable.Multiply"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void P384Multiply(in UInt384 left, in UInt384 right, in UInt384 modulus, ulong inverse, out UInt384 product) =>
        P384MultiplyArm(out product, in left, in right, in modulus, inverse);

    /// <summary>The same for the curve's own modulus, p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void P384MultiplyField(in UInt384 left, in UInt384 right, in UInt384 p, out UInt384 product) =>
        P384MultiplyFieldArm(out product, in left, in right, in p);

    [RuntimeImport("*", "bb_sha256_blocks")]
    [MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void Sha256BlocksArm(ref uint state, ref byte data, nuint blocks);

    [RuntimeImport("*", "bb_aes256_expand")]
    [MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void Aes256ExpandArm(ref byte key, ref uint schedule);

    [RuntimeImport("*", "bb_aes256_gcm_crypt")]
    [MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void Aes256GcmCryptArm(
        ref uint schedule, ref byte nonce, ref byte associated, nuint associatedLength, ref byte data, nuint length, ref byte tag, ref byte cipher);

    [RuntimeImport("*", "bb_p384_add")]
    [MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void P384AddArm(out UInt384 sum, in UInt384 left, in UInt384 right, in UInt384 modulus);

    [RuntimeImport("*", "bb_p384_subtract")]
    [MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void P384SubtractArm(out UInt384 difference, in UInt384 left, in UInt384 right, in UInt384 modulus);

    [RuntimeImport("*", "bb_p384_multiply")]
    [MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void P384MultiplyArm(out UInt384 product, in UInt384 left, in UInt384 right, in UInt384 modulus, ulong inverse);

    [RuntimeImport("*", "bb_p384_multiply_field")]
    [MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void P384MultiplyFieldArm(out UInt384 product, in UInt384 left, in UInt384 right, in UInt384 p);
}
#endif
