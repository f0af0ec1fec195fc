using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// Arithmetic modulo numbers m with 2^383 &lt; m &lt; 2^384. Every number passed in is smaller than m, and so is every result. The time
/// of every operation is the same for all values.
/// </summary>
internal static class P384Portable
{
    /// <summary>Adds modulo m.</summary>
    public static void Add(in UInt384 left, in UInt384 right, in UInt384 modulus, out UInt384 sum)
    {
        ulong carry = UInt384.Add(left, right, out UInt384 plain);
        ulong borrow = UInt384.Subtract(plain, modulus, out UInt384 reduced);
        UInt384.Select(carry ^ borrow, plain, reduced, out sum);
    }

    /// <summary>Subtracts modulo m.</summary>
    public static void Subtract(in UInt384 left, in UInt384 right, in UInt384 modulus, out UInt384 difference)
    {
        ulong borrow = UInt384.Subtract(left, right, out UInt384 plain);
        UInt384.Add(plain, modulus, out UInt384 raised);
        UInt384.Select(borrow, raised, plain, out difference);
    }

    /// <summary>a b / 2^384 modulo m.</summary>
    /// <param name="inverse">-1 / m modulo 2^64.</param>
    public static void Multiply(in UInt384 left, in UInt384 right, in UInt384 modulus, ulong inverse, out UInt384 product)
    {
        ulong t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, t6 = 0;
        for (int i = 0; i < UInt384.Limbs; i++)
        {
            // t += left[i] * right
            ulong factor = left[i];
            ulong carry = 0;
            t0 = MultiplyAdd(factor, right[0], t0, ref carry);
            t1 = MultiplyAdd(factor, right[1], t1, ref carry);
            t2 = MultiplyAdd(factor, right[2], t2, ref carry);
            t3 = MultiplyAdd(factor, right[3], t3, ref carry);
            t4 = MultiplyAdd(factor, right[4], t4, ref carry);
            t5 = MultiplyAdd(factor, right[5], t5, ref carry);
            t6 += carry;
            ulong t7 = Carry(t6, carry);

            // t = (t + u m) / 2^64, with u such that nothing is lost
            factor = t0 * inverse;
            carry = 0;
            MultiplyAdd(factor, modulus[0], t0, ref carry);
            t0 = MultiplyAdd(factor, modulus[1], t1, ref carry);
            t1 = MultiplyAdd(factor, modulus[2], t2, ref carry);
            t2 = MultiplyAdd(factor, modulus[3], t3, ref carry);
            t3 = MultiplyAdd(factor, modulus[4], t4, ref carry);
            t4 = MultiplyAdd(factor, modulus[5], t5, ref carry);
            t5 = t6 + carry;
            t6 = t7 + Carry(t5, carry);
        }

        UInt384.Set(out UInt384 plain, t5, t4, t3, t2, t1, t0);
        ulong borrow = UInt384.Subtract(plain, modulus, out UInt384 reduced);
        UInt384.Select(t6 ^ borrow, plain, reduced, out product);
    }

    // a b + addend + carry, which fits into 128 bits: the lower half is returned, the upper one is the new carry.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyAdd(ulong a, ulong b, ulong addend, ref ulong carry)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        low += addend;
        high += Carry(low, addend);
        low += carry;
        carry = high + Carry(low, carry);
        return low;
    }

    // What adding the number has carried over, seen from the sum: sum < added, without a comparison.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Carry(ulong sum, ulong added) => ((~sum & added) | ((~sum | added) & (sum - added))) >> 63;
}
