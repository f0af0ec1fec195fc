using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>A point in projective coordinates (X/Z, Y/Z), each in Montgomery form; infinity has Z = 0.</summary>
internal struct P384Point
{
    /// <summary>The coordinate X.</summary>
    public UInt384 X;

    /// <summary>The coordinate Y.</summary>
    public UInt384 Y;

    /// <summary>The coordinate Z.</summary>
    public UInt384 Z;
}

/// <summary>The curve P-384, y^2 = x^3 - 3x + b (NIST SP 800-186, section 3.2.1.4). Its order is a prime, n.</summary>
[SkipLocalsInit]
internal struct P384Curve
{
    private const int WindowBits = 4;
    private const int WindowSize = 1 << WindowBits;

    /// <summary>Arithmetic of the coordinates, modulo p.</summary>
    public Modulus384 Field;

    /// <summary>Arithmetic of the scalars, modulo n.</summary>
    public Modulus384 Order;

    /// <summary>The base point.</summary>
    public P384Point Base;

    private UInt384 _b;

    /// <summary>Prepares the constants.</summary>
    public void Initialize()
    {
        UInt384.Set(
            out UInt384 number,
            0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xfffffffffffffffe, 0xffffffff00000000, 0x00000000ffffffff);
        Field.Initialize(number);
        UInt384.Set(
            out number,
            0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xc7634d81f4372ddf, 0x581a0db248b0a77a, 0xecec196accc52973);
        Order.Initialize(number);
        UInt384.Set(
            out number,
            0xb3312fa7e23ee7e4, 0x988e056be3f82d19, 0x181d9c6efe814112, 0x0314088f5013875a, 0xc656398d8a2ed19d, 0x2a85c8edd3ec2aef);
        Field.Enter(number, out _b);
        UInt384.Set(
            out number,
            0xaa87ca22be8b0537, 0x8eb1c71ef320ad74, 0x6e1d3b628ba79b98, 0x59f741e082542a38, 0x5502f25dbf55296c, 0x3a545e3872760ab7);
        Field.Enter(number, out Base.X);
        UInt384.Set(
            out number,
            0x3617de4a96262c6f, 0x5d9e98bf9292dc29, 0xf8f41dbd289a147c, 0xe9da3113b5f0b8c0, 0x0a60b1ce1d7e819d, 0x7a431d7c90ea0e5f);
        Field.Enter(number, out Base.Y);
        Base.Z = Field.One;
    }

    /// <summary>The neutral element.</summary>
    public readonly void Infinity(out P384Point point)
    {
        UInt384.Set(out point.X, 0, 0, 0, 0, 0, 0);
        UInt384.Set(out point.Z, 0, 0, 0, 0, 0, 0);
        point.Y = Field.One;
    }

    /// <summary>
    /// Takes affine coordinates that come from outside. The curve's order is prime: every point that passes generates
    /// all of it.
    /// </summary>
    /// <returns>Whether both coordinates are below p and the point lies on the curve.</returns>
    public readonly bool TryEnter(in UInt384 x, in UInt384 y, out P384Point point)
    {
        Unsafe.SkipInit(out point);
        if (!UInt384.IsLess(x, Field.Value) || !UInt384.IsLess(y, Field.Value))
        {
            return false;
        }

        Field.Enter(x, out point.X);
        Field.Enter(y, out point.Y);
        point.Z = Field.One;

        Field.MultiplyField(point.Y, point.Y, out UInt384 left);
        Field.MultiplyField(point.X, point.X, out UInt384 right);
        Field.Subtract(right, Field.One, out right);
        Field.Subtract(right, Field.One, out right);
        Field.Subtract(right, Field.One, out right);
        Field.MultiplyField(right, point.X, out UInt384 cubic);
        Field.Add(cubic, _b, out cubic);
        return UInt384.AreEqual(left, cubic);
    }

    /// <summary>
    /// Adds two points, equal ones and infinity included: Renes, Costello, Batina, "Complete addition formulas for
    /// prime order elliptic curves", 2016, algorithm 4.
    /// </summary>
    public readonly void Add(in P384Point p, in P384Point q, out P384Point sum)
    {
        Field.MultiplyField(p.X, q.X, out UInt384 t0);
        Field.MultiplyField(p.Y, q.Y, out UInt384 t1);
        Field.MultiplyField(p.Z, q.Z, out UInt384 t2);
        CrossProduct(p.X, p.Y, q.X, q.Y, t0, t1, out UInt384 t3);
        CrossProduct(p.Y, p.Z, q.Y, q.Z, t1, t2, out UInt384 t4);
        CrossProduct(p.X, p.Z, q.X, q.Z, t0, t2, out UInt384 y3);

        Field.MultiplyField(_b, t2, out UInt384 z3);
        Field.Subtract(y3, z3, out UInt384 x3);
        Field.Add(x3, x3, out z3);
        Field.Add(x3, z3, out x3);
        Field.Subtract(t1, x3, out z3);
        Field.Add(t1, x3, out x3);
        Field.MultiplyField(_b, y3, out UInt384 by);
        Field.Add(t2, t2, out t1);
        Field.Add(t1, t2, out t2);
        Field.Subtract(by, t2, out y3);
        Field.Subtract(y3, t0, out y3);
        Field.Add(y3, y3, out t1);
        Field.Add(t1, y3, out y3);
        Field.Add(t0, t0, out t1);
        Field.Add(t1, t0, out t0);
        Field.Subtract(t0, t2, out t0);

        Field.MultiplyField(t4, y3, out t1);
        Field.MultiplyField(t0, y3, out t2);
        Field.MultiplyField(x3, z3, out y3);
        Field.Add(y3, t2, out sum.Y);
        Field.MultiplyField(t3, x3, out x3);
        Field.Subtract(x3, t1, out sum.X);
        Field.MultiplyField(t4, z3, out z3);
        Field.MultiplyField(t3, t0, out t1);
        Field.Add(z3, t1, out sum.Z);
    }

    /// <summary>Doubles a point, infinity included: as above, algorithm 6.</summary>
    public readonly void Double(in P384Point p, out P384Point twice)
    {
        Field.MultiplyField(p.X, p.X, out UInt384 t0);
        Field.MultiplyField(p.Y, p.Y, out UInt384 t1);
        Field.MultiplyField(p.Z, p.Z, out UInt384 t2);
        Field.MultiplyField(p.X, p.Y, out UInt384 t3);
        Field.Add(t3, t3, out t3);
        Field.MultiplyField(p.X, p.Z, out UInt384 z3);
        Field.Add(z3, z3, out z3);
        Field.MultiplyField(_b, t2, out UInt384 y3);
        Field.Subtract(y3, z3, out y3);
        Field.Add(y3, y3, out UInt384 x3);
        Field.Add(x3, y3, out y3);
        Field.Subtract(t1, y3, out x3);
        Field.Add(t1, y3, out y3);
        Field.MultiplyField(x3, y3, out y3);
        Field.MultiplyField(x3, t3, out x3);
        Field.Add(t2, t2, out t3);
        Field.Add(t2, t3, out t2);
        Field.MultiplyField(_b, z3, out z3);
        Field.Subtract(z3, t2, out z3);
        Field.Subtract(z3, t0, out z3);
        Field.Add(z3, z3, out t3);
        Field.Add(z3, t3, out z3);
        Field.Add(t0, t0, out t3);
        Field.Add(t3, t0, out t0);
        Field.Subtract(t0, t2, out t0);
        Field.MultiplyField(t0, z3, out t0);
        Field.Add(y3, t0, out y3);
        Field.MultiplyField(p.Y, p.Z, out t0);
        Field.Add(t0, t0, out t0);
        Field.MultiplyField(t0, z3, out z3);
        Field.Subtract(x3, z3, out twice.X);
        twice.Y = y3;
        Field.MultiplyField(t0, t1, out z3);
        Field.Add(z3, z3, out z3);
        Field.Add(z3, z3, out twice.Z);
    }

    /// <summary>Computes u G + v Q, G being the base point, for public scalars.</summary>
    public readonly void MultiplyAdd(in UInt384 u, in UInt384 v, in P384Point q, out P384Point result)
    {
        Add(Base, q, out P384Point both);
        Infinity(out P384Point sum);
        for (int i = 383; i >= 0; i--)
        {
            Double(sum, out P384Point next);
            sum = next;
            int choice = UInt384.Bit(u, i) | (UInt384.Bit(v, i) << 1);
            if (choice != 0)
            {
                if (choice == 1)
                {
                    Add(sum, Base, out next);
                }
                else if (choice == 2)
                {
                    Add(sum, q, out next);
                }
                else
                {
                    Add(sum, both, out next);
                }

                sum = next;
            }
        }

        result = sum;
    }

    /// <summary>
    /// Computes k Q for a secret scalar, in windows of four bits: always the same additions, and of the table every entry
    /// is read each time.
    /// </summary>
    public readonly void MultiplySecret(in UInt384 k, in P384Point q, out P384Point result)
    {
        Unsafe.SkipInit(out PointTable table);
        Infinity(out table[0]);
        for (int i = 1; i < WindowSize; i++)
        {
            Add(table[i - 1], q, out table[i]);
        }

        Infinity(out P384Point sum);
        for (int at = 384 - WindowBits; at >= 0; at -= WindowBits)
        {
            P384Point next;
            for (int i = 0; i < WindowBits; i++)
            {
                Double(sum, out next);
                sum = next;
            }

            ulong digit = (k[at >> 6] >> (at & 63)) & (WindowSize - 1);
            Select(table, digit, out P384Point entry);
            Add(sum, entry, out next);
            sum = next;
        }

        result = sum;
        ConstantTime.Wipe(ref table);
    }

    /// <summary>Affine coordinates of a point that is not infinity, as plain numbers.</summary>
    public readonly void Leave(in P384Point point, out UInt384 x, out UInt384 y)
    {
        Field.Invert(point.Z, out UInt384 inverse);
        Field.MultiplyField(point.X, inverse, out UInt384 entered);
        Field.Leave(entered, out x);
        Field.MultiplyField(point.Y, inverse, out entered);
        Field.Leave(entered, out y);
    }

    /// <summary>Reads a scalar of 48 bytes.</summary>
    /// <returns>Whether it is in 1 .. n-1; only this can be seen in the time.</returns>
    public readonly bool TryReadScalar(ReadOnlySpan<byte> bytes, out UInt384 scalar)
    {
        UInt384.Read(bytes, out scalar);
        return !UInt384.IsZero(scalar) && UInt384.IsLess(scalar, Order.Value);
    }

    // The entry of that number, by reading all of them.
    private static void Select(in PointTable table, ulong digit, out P384Point entry)
    {
        entry = default;
        for (int i = 0; i < WindowSize; i++)
        {
            // i = digit: all ones. The difference is below 2^63, and less one of it has the top bit set only for zero.
            ulong mask = 0 - ((((ulong)i ^ digit) - 1) >> 63);
            for (int limb = 0; limb < UInt384.Limbs; limb++)
            {
                entry.X[limb] |= table[i].X[limb] & mask;
                entry.Y[limb] |= table[i].Y[limb] & mask;
                entry.Z[limb] |= table[i].Z[limb] & mask;
            }
        }
    }

    // a d + b c, from (a + b)(c + d) and the products a c and b d.
    private readonly void CrossProduct(
        in UInt384 a, in UInt384 b, in UInt384 c, in UInt384 d, in UInt384 ac, in UInt384 bd, out UInt384 result)
    {
        Field.Add(a, b, out UInt384 left);
        Field.Add(c, d, out UInt384 right);
        Field.MultiplyField(left, right, out UInt384 product);
        Field.Subtract(product, ac, out product);
        Field.Subtract(product, bd, out result);
    }

    /// <summary>The multiples 0 Q to 15 Q.</summary>
    [InlineArray(WindowSize)]
    private struct PointTable
    {
        private P384Point _first;
    }
}
