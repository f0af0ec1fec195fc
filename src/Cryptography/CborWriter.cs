using System;
using System.Numerics;

namespace BlackBox.Cryptography;

/// <summary>Writes CBOR in its deterministic encoding (RFC 8949, section 4.2): shortest heads, definite lengths. Keys of a map are the
/// caller's to bring in order.</summary>
/// <param name="destination">where to write; too little room is a programming error</param>
public ref struct CborWriter(Span<byte> destination)
{
    private const int UnsignedType = 0;
    private const int NegativeType = 1;
    private const int BytesType = 2;
    private const int TextType = 3;
    private const int ArrayType = 4;
    private const int MapType = 5;
    private const int TagType = 6;
    private const byte FalseItem = 0xf4;
    private const byte TrueItem = 0xf5;

    private readonly Span<byte> _destination = destination;
    private int _length;

    /// <summary>Bytes written.</summary>
    public readonly int Length => _length;

    /// <summary>What was written.</summary>
    public readonly ReadOnlySpan<byte> Written => _destination[.._length];

    /// <summary>A number from 0.</summary>
    public void Unsigned(ulong value) => Head(UnsignedType, value);

    /// <summary>The number -1 - <paramref name="value"/>.</summary>
    public void Negative(ulong value) => Head(NegativeType, value);

    /// <summary>A byte string.</summary>
    public void Bytes(scoped ReadOnlySpan<byte> value)
    {
        Head(BytesType, (ulong)value.Length);
        Raw(value);
    }

    /// <summary>The head of a byte string; its bytes follow.</summary>
    public void BytesHead(int length) => Head(BytesType, (ulong)length);

    /// <summary>A text string.</summary>
    /// <param name="value">UTF-8</param>
    public void Text(scoped ReadOnlySpan<byte> value)
    {
        Head(TextType, (ulong)value.Length);
        Raw(value);
    }

    /// <summary>False or true.</summary>
    public void Boolean(bool value) => _destination[_length++] = value ? TrueItem : FalseItem;

    /// <summary>The head of an array; its items follow.</summary>
    public void Array(int items) => Head(ArrayType, (ulong)items);

    /// <summary>The head of a map; its keys and values follow.</summary>
    public void Map(int pairs) => Head(MapType, (ulong)pairs);

    /// <summary>A tag for the next item.</summary>
    public void Tag(ulong number) => Head(TagType, number);

    /// <summary>Bytes that are CBOR already.</summary>
    public void Raw(scoped ReadOnlySpan<byte> value)
    {
        value.CopyTo(_destination[_length..]);
        _length += value.Length;
    }

    /// <summary>A pair of a map: an integer and a number from 0.</summary>
    public void Pair(long key, ulong value)
    {
        Key(key);
        Unsigned(value);
    }

    /// <summary>A pair of a map: an integer and a byte string.</summary>
    public void Pair(long key, scoped ReadOnlySpan<byte> value)
    {
        Key(key);
        Bytes(value);
    }

    /// <summary>A pair of a map: an integer and false or true.</summary>
    public void Pair(long key, bool value)
    {
        Key(key);
        Boolean(value);
    }

    private void Key(long key)
    {
        if (key >= 0)
        {
            Unsigned((ulong)key);
        }
        else
        {
            Negative((ulong)~key);
        }
    }

    private void Head(int type, ulong value)
    {
        int bits = 64 - BitOperations.LeadingZeroCount(value);
        int bytes = value < 24 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
        int information = bytes switch { 0 => (int)value, 1 => 24, 2 => 25, 4 => 26, _ => 27 };
        _destination[_length++] = (byte)((type << 5) | information);
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        {
            _destination[_length++] = (byte)(value >> shift);
        }
    }
}
