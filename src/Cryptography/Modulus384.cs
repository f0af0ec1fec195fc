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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Add(in UInt384 left, in UInt384 right, out UInt384 sum) => Backend.P384Add(left, right, Value, out sum);

    /// <summary>Subtracts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Subtract(in UInt384 left, in UInt384 right, out UInt384 difference) => Backend.P384Subtract(left, right, Value, out difference);

    /// <summary>Multiplies two numbers in Montgomery form; that of the product is a b / 2^384.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Multiply(in UInt384 left, in UInt384 right, out UInt384 product) => Backend.P384Multiply(left, right, Value, _inverse, out product);

    /// <summary>Multiplies two numbers in Montgomery form; the modulus is that of the curve's coordinates.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void MultiplyField(in UInt384 left, in UInt384 right, out UInt384 product) => Backend.P384MultiplyField(left, right, Value, out product);

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
}
