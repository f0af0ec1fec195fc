using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// Arithmetic modulo an odd number m with 2^383 &lt; m &lt; 2^384, in Montgomery form (a is held as a 2^384 mod m), as
/// in Montgomery, "Modular multiplication without trial division", 1985. Every number passed in is smaller than m,
/// and so is every result. The time of every operation is the same for all values.
/// </summary>
internal struct Modulus384
{
    /// <summary>The modulus itself.</summary>
    public UInt384 Value;

    /// <summary>1 in Montgomery form: 2^384 mod m.</summary>
    public UInt384 One;

    private UInt384 _square; // 2^768 mod m
    private ulong _inverse;  // -1 / m mod 2^64

    /// <summary>Prepares a modulus.</summary>
    public void Initialize(in UInt384 modulus)
    {
        Value = modulus;

        // Newton's iteration doubles the number of correct bits; an odd number is its own inverse modulo 8.
        ulong inverse = modulus[0];
        for (int i = 0; i < 5; i++)
        {
            inverse *= 2 - (modulus[0] * inverse);
        }

        _inverse = 0 - inverse;

        // 2^384 - m is 2^384 mod m, since m is more than half of it; doubling 384 times makes 2^768 mod m.
        UInt384.Set(out UInt384 zero, 0, 0, 0, 0, 0, 0);
        UInt384.Subtract(zero, modulus, out One);
        _square = One;
        for (int i = 0; i < 384; i++)
        {
            Add(_square, _square, out UInt384 twice);
            _square = twice;
        }
    }

    /// <summary>Adds.</summary>
    public readonly void Add(in UInt384 left, in UInt384 right, out UInt384 sum)
    {
        ulong carry = UInt384.Add(left, right, out UInt384 plain);
        ulong borrow = UInt384.Subtract(plain, Value, out UInt384 reduced);
        UInt384.Select(carry ^ borrow, plain, reduced, out sum);
    }

    /// <summary>Subtracts.</summary>
    public readonly void Subtract(in UInt384 left, in UInt384 right, out UInt384 difference)
    {
        ulong borrow = UInt384.Subtract(left, right, out UInt384 plain);
        UInt384.Add(plain, Value, out UInt384 raised);
        UInt384.Select(borrow, raised, plain, out difference);
    }

    /// <summary>Multiplies two numbers in Montgomery form; that of the product is a b / 2^384.</summary>
    public readonly void Multiply(in UInt384 left, in UInt384 right, out UInt384 product)
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
            factor = t0 * _inverse;
            carry = 0;
            MultiplyAdd(factor, Value[0], t0, ref carry);
            t0 = MultiplyAdd(factor, Value[1], t1, ref carry);
            t1 = MultiplyAdd(factor, Value[2], t2, ref carry);
            t2 = MultiplyAdd(factor, Value[3], t3, ref carry);
            t3 = MultiplyAdd(factor, Value[4], t4, ref carry);
            t4 = MultiplyAdd(factor, Value[5], t5, ref carry);
            t5 = t6 + carry;
            t6 = t7 + Carry(t5, carry);
        }

        UInt384.Set(out UInt384 plain, t5, t4, t3, t2, t1, t0);
        ulong borrow = UInt384.Subtract(plain, Value, out UInt384 reduced);
        UInt384.Select(t6 ^ borrow, plain, reduced, out product);
    }

    /// <summary>Brings a number into Montgomery form.</summary>
    public readonly void Enter(in UInt384 value, out UInt384 result) => Multiply(value, _square, out result);

    /// <summary>Brings a number out of Montgomery form.</summary>
    public readonly void Leave(in UInt384 value, out UInt384 result)
    {
        UInt384.Set(out UInt384 one, 0, 0, 0, 0, 0, 1);
        Multiply(value, one, out result);
    }

    /// <summary>Inverts modulo a prime, by Fermat: a^(m-2); the branches depend on m only. The inverse of zero comes out as zero.</summary>
    public readonly void Invert(in UInt384 value, out UInt384 result)
    {
        UInt384.Set(out UInt384 two, 0, 0, 0, 0, 0, 2);
        UInt384.Subtract(Value, two, out UInt384 exponent);
        UInt384 power = One;
        for (int i = 383; i >= 0; i--)
        {
            Multiply(power, power, out UInt384 square);
            power = square;
            if (UInt384.Bit(exponent, i) != 0)
            {
                Multiply(power, value, out UInt384 next);
                power = next;
            }
        }

        result = power;
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
