using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// A number of 384 bits: six 64-bit limbs, the least significant first. The time of every operation is the same for all
/// values: conditions are turned into numbers and masks, never into branches.
/// </summary>
[InlineArray(Limbs)]
internal struct UInt384
{
    /// <summary>Limbs of the number.</summary>
    public const int Limbs = 6;

    /// <summary>Bytes of the number.</summary>
    public const int Length = 48;

    private ulong _limb0;

    /// <summary>Reads 48 bytes, the most significant first.</summary>
    public static void Read(ReadOnlySpan<byte> bytes, out UInt384 value)
    {
        Unsafe.SkipInit(out value);
        for (int i = 0; i < Limbs; i++)
        {
            value[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes[(Length - (8 * (i + 1)))..]);
        }
    }

    /// <summary>Writes 48 bytes, the most significant first.</summary>
    public static void Write(in UInt384 value, Span<byte> bytes)
    {
        for (int i = 0; i < Limbs; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[(Length - (8 * (i + 1)))..], value[i]);
        }
    }

    /// <summary>Copies one of two numbers.</summary>
    /// <param name="condition">1 takes the first, 0 the second.</param>
    public static void Select(ulong condition, in UInt384 first, in UInt384 second, out UInt384 result)
    {
        Unsafe.SkipInit(out result);
        ulong mask = 0 - condition;
        for (int i = 0; i < Limbs; i++)
        {
            result[i] = (first[i] & mask) | (second[i] & ~mask);
        }
    }

    /// <summary>Makes a number of limbs, given from the most significant to the least.</summary>
    public static void Set(out UInt384 value, ulong limb5, ulong limb4, ulong limb3, ulong limb2, ulong limb1, ulong limb0)
    {
        Unsafe.SkipInit(out value);
        value[0] = limb0;
        value[1] = limb1;
        value[2] = limb2;
        value[3] = limb3;
        value[4] = limb4;
        value[5] = limb5;
    }

    /// <summary>Whether the number is zero.</summary>
    public static bool IsZero(in UInt384 value)
    {
        ulong bits = 0;
        for (int i = 0; i < Limbs; i++)
        {
            bits |= value[i];
        }

        return bits == 0;
    }

    /// <summary>Whether two numbers are equal.</summary>
    public static bool AreEqual(in UInt384 left, in UInt384 right)
    {
        ulong bits = 0;
        for (int i = 0; i < Limbs; i++)
        {
            bits |= left[i] ^ right[i];
        }

        return bits == 0;
    }

    /// <summary>Whether the first number is smaller than the second.</summary>
    public static bool IsLess(in UInt384 left, in UInt384 right) => Subtract(left, right, out _) != 0;

    /// <summary>Bit <paramref name="index"/> (0 is the least significant) of the number.</summary>
    public static int Bit(in UInt384 value, int index) => (int)(value[index >> 6] >> (index & 63)) & 1;

    /// <summary>Adds modulo 2^384.</summary>
    /// <returns>The carry, 0 or 1.</returns>
    public static ulong Add(in UInt384 left, in UInt384 right, out UInt384 sum)
    {
        Unsafe.SkipInit(out sum);
        ulong carry = 0;
        for (int i = 0; i < Limbs; i++)
        {
            ulong a = left[i];
            ulong b = right[i];
            ulong y = a + b + carry;
            carry = ((a & b) | ((a | b) & ~y)) >> 63;
            sum[i] = y;
        }

        return carry;
    }

    /// <summary>Subtracts modulo 2^384.</summary>
    /// <returns>The borrow, 0 or 1.</returns>
    public static ulong Subtract(in UInt384 left, in UInt384 right, out UInt384 difference)
    {
        Unsafe.SkipInit(out difference);
        ulong borrow = 0;
        for (int i = 0; i < Limbs; i++)
        {
            ulong a = left[i];
            ulong b = right[i];
            ulong y = a - b - borrow;
            borrow = ((~a & b) | ((~a | b) & y)) >> 63;
            difference[i] = y;
        }

        return borrow;
    }
}
