using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>The ChaCha20 block function (RFC 8439, section 2.3); only additions, rotations and XOR.</summary>
[SkipLocalsInit]
internal static class ChaCha20
{
    /// <summary>Computes 64 bytes of key stream.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="counter">The number of the block.</param>
    /// <param name="nonce">12 bytes.</param>
    /// <param name="output">Receives 64 bytes.</param>
    public static void Block(ReadOnlySpan<byte> key, uint counter, ReadOnlySpan<byte> nonce, Span<byte> output)
    {
        Unsafe.SkipInit(out Words16 initialStorage);
        Unsafe.SkipInit(out Words16 workStorage);
        Span<uint> initial = initialStorage;
        Span<uint> x = workStorage;

        initial[0] = 0x61707865; // "expand 32-byte k"
        initial[1] = 0x3320646e;
        initial[2] = 0x79622d32;
        initial[3] = 0x6b206574;
        for (int i = 0; i < 8; i++)
        {
            initial[4 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(4 * i)..]);
        }

        initial[12] = counter;
        for (int i = 0; i < 3; i++)
        {
            initial[13 + i] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[(4 * i)..]);
        }

        for (int i = 0; i < 16; i++)
        {
            x[i] = initial[i];
        }

        for (int i = 0; i < 10; i++)
        {
            QuarterRound(x, 0, 4, 8, 12);
            QuarterRound(x, 1, 5, 9, 13);
            QuarterRound(x, 2, 6, 10, 14);
            QuarterRound(x, 3, 7, 11, 15);
            QuarterRound(x, 0, 5, 10, 15);
            QuarterRound(x, 1, 6, 11, 12);
            QuarterRound(x, 2, 7, 8, 13);
            QuarterRound(x, 3, 4, 9, 14);
        }

        for (int i = 0; i < 16; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(output[(4 * i)..], x[i] + initial[i]);
        }

        ConstantTime.Wipe(ref initialStorage);
        ConstantTime.Wipe(ref workStorage);
    }

    private static void QuarterRound(Span<uint> x, int a, int b, int c, int d)
    {
        x[a] += x[b];
        x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 16);
        x[c] += x[d];
        x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 12);
        x[a] += x[b];
        x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 8);
        x[c] += x[d];
        x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 7);
    }
}
