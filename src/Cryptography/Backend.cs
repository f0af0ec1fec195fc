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
    public static void Aes256GcmCrypt(
        ReadOnlySpan<uint> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> data, Span<byte> tag, bool decrypt)
        => GcmPortable.Crypt(schedule, nonce, associated, data, tag, decrypt);
}
#endif
