using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// GHASH (NIST SP 800-38D, section 6.4) with ordinary multiplications. A carry-less product is made of sixteen
/// integer products whose operands keep one bit in four: the sums then never carry into the next used bit. The time
/// does not depend on the data where the processor's multiplication is of constant time (it is on all Armv8 cores).
/// </summary>
internal struct GhashPortable
{
    private ulong _keyHigh;
    private ulong _keyLow;
    private ulong _high;
    private ulong _low;

    /// <summary>Starts with the hash key H and the value zero.</summary>
    /// <param name="key">16 bytes.</param>
    public void Initialize(ReadOnlySpan<byte> key)
    {
        _keyHigh = BinaryPrimitives.ReadUInt64BigEndian(key);
        _keyLow = BinaryPrimitives.ReadUInt64BigEndian(key[8..]);
        _high = 0;
        _low = 0;
    }

    /// <summary>Absorbs a byte string, padded with zeros to a multiple of 16 bytes.</summary>
    public void Update(ReadOnlySpan<byte> data)
    {
        for (; data.Length >= 16; data = data[16..])
        {
            Absorb(BinaryPrimitives.ReadUInt64BigEndian(data), BinaryPrimitives.ReadUInt64BigEndian(data[8..]));
        }

        if (!data.IsEmpty)
        {
            Unsafe.SkipInit(out Bytes16 storage);
            Span<byte> block = storage;
            ConstantTime.Wipe(block);
            data.CopyTo(block);
            Absorb(BinaryPrimitives.ReadUInt64BigEndian(block), BinaryPrimitives.ReadUInt64BigEndian(block[8..]));
        }
    }

    /// <summary>Absorbs one block given as two numbers, and multiplies by the hash key.</summary>
    public void Absorb(ulong high, ulong low)
    {
        ulong y1 = _high ^ high;
        ulong y0 = _low ^ low;

        // The lower halves of three products (Karatsuba), and by way of reversed operands their upper halves.
        ulong z0 = Multiply(y0, _keyLow);
        ulong z1 = Multiply(y1, _keyHigh);
        ulong z2 = Multiply(y0 ^ y1, _keyLow ^ _keyHigh) ^ z0 ^ z1;
        ulong y0r = Reverse(y0);
        ulong y1r = Reverse(y1);
        ulong h0r = Reverse(_keyLow);
        ulong h1r = Reverse(_keyHigh);
        ulong z0r = Multiply(y0r, h0r);
        ulong z1r = Multiply(y1r, h1r);
        ulong z2r = Multiply(y0r ^ y1r, h0r ^ h1r) ^ z0r ^ z1r;

        ulong v0 = z0;
        ulong v1 = (Reverse(z0r) >> 1) ^ z2;
        ulong v2 = (Reverse(z2r) >> 1) ^ z1;
        ulong v3 = Reverse(z1r) >> 1;

        // GHASH numbers bits from the other end, so that the product of 255 bits is one place too far down.
        v3 = (v3 << 1) | (v2 >> 63);
        v2 = (v2 << 1) | (v1 >> 63);
        v1 = (v1 << 1) | (v0 >> 63);
        v0 <<= 1;

        // Modulo x^128 + x^7 + x^2 + x + 1.
        v2 ^= v0 ^ (v0 >> 1) ^ (v0 >> 2) ^ (v0 >> 7);
        v1 ^= (v0 << 63) ^ (v0 << 62) ^ (v0 << 57);
        v3 ^= v1 ^ (v1 >> 1) ^ (v1 >> 2) ^ (v1 >> 7);
        v2 ^= (v1 << 63) ^ (v1 << 62) ^ (v1 << 57);

        _high = v3;
        _low = v2;
    }

    /// <summary>Writes the value.</summary>
    /// <param name="value">Receives 16 bytes.</param>
    public readonly void Finish(Span<byte> value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(value, _high);
        BinaryPrimitives.WriteUInt64BigEndian(value[8..], _low);
    }

    // The lower 64 bits of the carry-less product.
    private static ulong Multiply(ulong x, ulong y)
    {
        const ulong M0 = 0x1111111111111111;
        const ulong M1 = 0x2222222222222222;
        const ulong M2 = 0x4444444444444444;
        const ulong M3 = 0x8888888888888888;
        ulong x0 = x & M0, x1 = x & M1, x2 = x & M2, x3 = x & M3;
        ulong y0 = y & M0, y1 = y & M1, y2 = y & M2, y3 = y & M3;
        ulong z0 = (x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1);
        ulong z1 = (x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2);
        ulong z2 = (x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3);
        ulong z3 = (x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0);
        return (z0 & M0) | (z1 & M1) | (z2 & M2) | (z3 & M3);
    }

    private static ulong Reverse(ulong x)
    {
        x = ((x & 0x5555555555555555) << 1) | ((x >> 1) & 0x5555555555555555);
        x = ((x & 0x3333333333333333) << 2) | ((x >> 2) & 0x3333333333333333);
        x = ((x & 0x0f0f0f0f0f0f0f0f) << 4) | ((x >> 4) & 0x0f0f0f0f0f0f0f0f);
        return BinaryPrimitives.ReverseEndianness(x);
    }
}
