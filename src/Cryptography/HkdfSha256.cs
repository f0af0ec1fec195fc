using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>The key derivation function HKDF with HMAC-SHA-256 (RFC 5869).</summary>
[SkipLocalsInit]
public static class HkdfSha256
{
    /// <summary>The most bytes that one call of <see cref="Expand"/> can derive.</summary>
    public const int MaximumOutput = 255 * Sha256.Length;

    /// <summary>Concentrates key material into a pseudorandom key (RFC 5869, section 2.2).</summary>
    /// <param name="salt">The salt; empty stands for 32 zero bytes.</param>
    /// <param name="material">The input key material.</param>
    /// <param name="key">Receives the pseudorandom key; exactly 32 bytes.</param>
    public static void Extract(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> material, Span<byte> key)
        => Hmac<Sha256>.Compute(salt, material, key);

    /// <summary>Derives output from a pseudorandom key (RFC 5869, section 2.3).</summary>
    /// <param name="key">The pseudorandom key; at least 32 bytes.</param>
    /// <param name="info">What the output is for.</param>
    /// <param name="output">Receives the derived bytes; at most <see cref="MaximumOutput"/>. Must not overlap the inputs.</param>
    public static void Expand(ReadOnlySpan<byte> key, ReadOnlySpan<byte> info, Span<byte> output)
    {
        Require.That(key.Length >= Sha256.Length && output.Length <= MaximumOutput);
        Unsafe.SkipInit(out Hmac<Sha256> hmac);
        Unsafe.SkipInit(out Bytes32 storage);
        Unsafe.SkipInit(out Bytes16 counterStorage);
        Span<byte> block = storage;
        Span<byte> counter = counterStorage;
        counter = counter[..1];
        counter[0] = 0;

        while (!output.IsEmpty)
        {
            hmac.Initialize(key);
            if (counter[0] != 0)
            {
                hmac.Update(block);
            }

            counter[0]++;
            hmac.Update(info);
            hmac.Update(counter);
            hmac.Finish(block);

            int take = Math.Min(block.Length, output.Length);
            block[..take].CopyTo(output);
            output = output[take..];
        }

        ConstantTime.Wipe(block);
    }
}
