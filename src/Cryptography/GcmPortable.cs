using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>AES-256-GCM (NIST SP 800-38D, section 7) from the portable AES and GHASH.</summary>
[SkipLocalsInit]
internal static class GcmPortable
{
    /// <summary>Encrypts or decrypts in place, and computes the tag over the ciphertext.</summary>
    /// <param name="schedule">The 60 words of the key schedule.</param>
    /// <param name="nonce">12 bytes.</param>
    /// <param name="associated">Data that is authenticated only.</param>
    /// <param name="data">The message, replaced.</param>
    /// <param name="tag">Receives 16 bytes.</param>
    /// <param name="decrypt">Whether <paramref name="data"/> is ciphertext at first.</param>
    public static void Crypt(
        ReadOnlySpan<uint> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> data, Span<byte> tag, bool decrypt)
    {
        Unsafe.SkipInit(out Longs120 planeStorage);
        Unsafe.SkipInit(out Words16 streamStorage);
        Unsafe.SkipInit(out Bytes16 blockStorage);
        Unsafe.SkipInit(out GhashPortable hash);
        Span<ulong> planes = planeStorage;
        Span<uint> stream = streamStorage;
        Span<byte> block = blockStorage;

        Aes256Portable.Slice(schedule, planes);

        // One pass over four blocks gives the hash key E(0), the tag's mask E(nonce, 1), and nothing of the stream:
        // that starts with counter 2.
        FillCounters(stream, nonce, 0);
        stream[0] = 0;
        stream[1] = 0;
        stream[2] = 0;
        stream[3] = 0;
        Aes256Portable.EncryptFour(planes, stream);
        StoreWords(stream[..4], block);
        hash.Initialize(block);
        StoreWords(stream.Slice(4, 4), tag);

        hash.Update(associated);
        if (decrypt)
        {
            hash.Update(data);
        }

        uint counter = 2;
        for (Span<byte> rest = data; !rest.IsEmpty;)
        {
            FillCounters(stream, nonce, counter);
            Aes256Portable.EncryptFour(planes, stream);
            counter += 4;
            int take = Math.Min(64, rest.Length);
            for (int i = 0; i < take; i++)
            {
                rest[i] ^= (byte)(stream[i >> 2] >> (8 * (i & 3)));
            }

            rest = rest[take..];
        }

        if (!decrypt)
        {
            hash.Update(data);
        }

        hash.Absorb((ulong)associated.Length * 8, (ulong)data.Length * 8);
        hash.Finish(block);
        for (int i = 0; i < block.Length; i++)
        {
            tag[i] ^= block[i];
        }

        ConstantTime.Wipe(ref planeStorage);
        ConstantTime.Wipe(ref streamStorage);
        ConstantTime.Wipe(ref blockStorage);
        ConstantTime.Wipe(ref hash);
    }

    private static void FillCounters(Span<uint> stream, ReadOnlySpan<byte> nonce, uint counter)
    {
        for (int i = 0; i < 16; i += 4)
        {
            stream[i] = BinaryPrimitives.ReadUInt32LittleEndian(nonce);
            stream[i + 1] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[4..]);
            stream[i + 2] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[8..]);
            stream[i + 3] = BinaryPrimitives.ReverseEndianness(counter++);
        }
    }

    private static void StoreWords(ReadOnlySpan<uint> words, Span<byte> bytes)
    {
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(4 * i)..], words[i]);
        }
    }
}
