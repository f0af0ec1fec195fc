using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// AES-256 encryption (FIPS 197) without look-up tables, so that neither time nor memory accesses depend on secrets.
/// Four blocks are computed at once, bit-sliced: plane k holds bit k of all 64 bytes; the byte in row r and column c of
/// block b has position 16 r + 4 c + b. In this order ShiftRows turns 16-bit fields, and the step from one row to the
/// next in MixColumns turns the whole plane.
/// </summary>
[SkipLocalsInit]
internal static class Aes256Portable
{
    /// <summary>Rounds of AES with a 256-bit key.</summary>
    public const int Rounds = 14;

    /// <summary>Words of the key schedule.</summary>
    public const int ScheduleWords = 4 * (Rounds + 1);

    /// <summary>Expands a key (FIPS 197, section 5.2).</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="schedule">Receives 60 words, each of four schedule bytes read as little-endian.</param>
    public static void Expand(ReadOnlySpan<byte> key, Span<uint> schedule)
    {
        for (int i = 0; i < 8; i++)
        {
            schedule[i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(4 * i)..]);
        }

        uint roundConstant = 1;
        for (int i = 8; i < ScheduleWords; i++)
        {
            uint word = schedule[i - 1];
            if (i % 8 == 0)
            {
                word = SubstituteWord((word >> 8) | (word << 24)) ^ roundConstant;
                roundConstant <<= 1;
            }
            else if (i % 8 == 4)
            {
                word = SubstituteWord(word);
            }

            schedule[i] = schedule[i - 8] ^ word;
        }
    }

    /// <summary>Brings all round keys into bit planes, the same in each of the four blocks.</summary>
    /// <param name="schedule">The 60 words of the schedule.</param>
    /// <param name="planes">Receives 120 planes.</param>
    public static void Slice(ReadOnlySpan<uint> schedule, Span<ulong> planes)
    {
        Unsafe.SkipInit(out Words16 storage);
        Span<uint> words = storage;
        for (int round = 0; round <= Rounds; round++)
        {
            for (int i = 0; i < 16; i++)
            {
                words[i] = schedule[(4 * round) + (i & 3)];
            }

            Pack(words, planes[(8 * round)..]);
        }

        ConstantTime.Wipe(ref storage);
    }

    /// <summary>Encrypts four blocks in place.</summary>
    /// <param name="planes">The round keys as <see cref="Slice"/> left them.</param>
    /// <param name="blocks">Sixteen words, read as little-endian, of four consecutive blocks.</param>
    public static void EncryptFour(ReadOnlySpan<ulong> planes, Span<uint> blocks)
    {
        Unsafe.SkipInit(out Longs8 storage);
        Span<ulong> q = storage;
        Pack(blocks, q);
        AddRoundKey(q, planes);
        for (int round = 1; round < Rounds; round++)
        {
            AesSubstitution.Apply(q);
            ShiftRows(q);
            MixColumns(q);
            AddRoundKey(q, planes[(8 * round)..]);
        }

        AesSubstitution.Apply(q);
        ShiftRows(q);
        AddRoundKey(q, planes[(8 * Rounds)..]);
        Unpack(q, blocks);
        ConstantTime.Wipe(ref storage);
    }

    private static uint SubstituteWord(uint word)
    {
        Unsafe.SkipInit(out Longs8 storage);
        Span<ulong> q = storage;
        for (int i = 0; i < 8; i++)
        {
            q[i] = 0;
        }

        q[0] = word;
        Transpose(q);
        AesSubstitution.Apply(q);
        Transpose(q);
        word = (uint)q[0];
        ConstantTime.Wipe(ref storage);
        return word;
    }

    private static void AddRoundKey(Span<ulong> q, ReadOnlySpan<ulong> key)
    {
        for (int i = 0; i < 8; i++)
        {
            q[i] ^= key[i];
        }
    }

    // Row r is the 16-bit field r, a column in it four bits wide: column c receives what was in column c + r.
    private static void ShiftRows(Span<ulong> q)
    {
        for (int i = 0; i < 8; i++)
        {
            ulong x = q[i];
            q[i] = (x & 0x000000000000ffff)
                | ((x & 0x00000000fff00000) >> 4) | ((x & 0x00000000000f0000) << 12)
                | ((x & 0x0000ff0000000000) >> 8) | ((x & 0x000000ff00000000) << 8)
                | ((x & 0xf000000000000000) >> 12) | ((x & 0x0fff000000000000) << 4);
        }
    }

    // Each byte becomes 2 (a ^ b) ^ b ^ c ^ d, with b, c, d the next three rows of its column.
    private static void MixColumns(Span<ulong> q)
    {
        ulong carry = q[7] ^ NextRow(q[7]);
        ulong previous = 0;
        for (int i = 0; i < 8; i++)
        {
            ulong a = q[i];
            ulong b = NextRow(a);
            ulong pair = a ^ b;
            ulong twice = previous;
            if (i is 0 or 1 or 3 or 4)
            {
                twice ^= carry; // x^8 = x^4 + x^3 + x + 1
            }

            q[i] = twice ^ b ^ NextRow(NextRow(pair));
            previous = pair;
        }
    }

    private static ulong NextRow(ulong x) => (x >> 16) | (x << 48);

    private static void Pack(ReadOnlySpan<uint> words, Span<ulong> q)
    {
        for (int block = 0; block < 4; block++)
        {
            q[block] = Spread(words[4 * block]) | (Spread(words[(4 * block) + 2]) << 8);
            q[block + 4] = Spread(words[(4 * block) + 1]) | (Spread(words[(4 * block) + 3]) << 8);
        }

        Transpose(q);
    }

    private static void Unpack(Span<ulong> q, Span<uint> words)
    {
        Transpose(q);
        for (int block = 0; block < 4; block++)
        {
            words[4 * block] = Gather(q[block]);
            words[(4 * block) + 1] = Gather(q[block + 4]);
            words[(4 * block) + 2] = Gather(q[block] >> 8);
            words[(4 * block) + 3] = Gather(q[block + 4] >> 8);
        }
    }

    // Four bytes to the even bytes of a 64-bit word, and back.
    private static ulong Spread(uint word)
    {
        ulong x = word;
        x = (x | (x << 16)) & 0x0000ffff0000ffff;
        return (x | (x << 8)) & 0x00ff00ff00ff00ff;
    }

    private static uint Gather(ulong x)
    {
        x &= 0x00ff00ff00ff00ff;
        x = (x | (x >> 8)) & 0x0000ffff0000ffff;
        return (uint)(x | (x >> 16));
    }

    // Exchanges the number of the word with the number of the bit in each byte; its own inverse.
    private static void Transpose(Span<ulong> q)
    {
        for (int i = 0; i < 8; i += 2)
        {
            Exchange(ref q[i], ref q[i + 1], 0x5555555555555555, 1);
        }

        for (int i = 0; i < 2; i++)
        {
            Exchange(ref q[i], ref q[i + 2], 0x3333333333333333, 2);
            Exchange(ref q[i + 4], ref q[i + 6], 0x3333333333333333, 2);
        }

        for (int i = 0; i < 4; i++)
        {
            Exchange(ref q[i], ref q[i + 4], 0x0f0f0f0f0f0f0f0f, 4);
        }
    }

    private static void Exchange(ref ulong low, ref ulong high, ulong mask, int shift)
    {
        ulong difference = ((low >> shift) ^ high) & mask;
        high ^= difference;
        low ^= difference << shift;
    }
}
