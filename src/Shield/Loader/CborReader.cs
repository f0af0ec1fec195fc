using System;

namespace BlackBox.Shield;

/// <summary>
/// Reads deterministic CBOR (RFC 8949, section 4.2): shortest heads, definite lengths. Input is hostile: every read can
/// fail, a failed one leaves the reader useless, and nothing is read beyond the data.
/// </summary>
internal ref struct CborReader(ReadOnlySpan<byte> data)
{
    private const int Unsigned = 0;
    private const int Negative = 1;
    private const int Bytes = 2;
    private const int Text = 3;
    private const int Array = 4;
    private const int Map = 5;
    private const int Tag = 6;
    private const int Simple = 7;

    private readonly ReadOnlySpan<byte> data = data;
    private int position;

    /// <summary>Bytes read so far.</summary>
    public readonly int Position => position;

    public readonly bool IsAtEnd => position == data.Length;

    public bool TryUnsigned(out ulong value) => TryHead(Unsigned, out value);

    /// <summary>A negative number -1 - n: gives n.</summary>
    public bool TryNegative(out ulong value) => TryHead(Negative, out value);

    public bool TryArray(out int count) => TryCount(Array, out count);

    public bool TryMap(out int count) => TryCount(Map, out count);

    public bool TryTag(ulong expected) => TryHead(Tag, out ulong tag) && tag == expected;

    /// <summary>The next item's major type is that of a tag.</summary>
    public readonly bool IsTag => position < data.Length && data[position] >> 5 == Tag;

    public bool TryBytes(out ReadOnlySpan<byte> value) => TryString(Bytes, out value);

    public bool TryText(out ReadOnlySpan<byte> value) => TryString(Text, out value);

    public bool TryBoolean(out bool value)
    {
        const ulong False = 20;
        const ulong True = 21;
        bool read = TryHead(Simple, out ulong number);
        value = number == True;
        return read && number is False or True;
    }

    /// <summary>Length of the head that a string of this length has (for rebuilding what was signed).</summary>
    public static int WriteBytesHead(Span<byte> to, int length)
    {
        const byte Major = Bytes << 5;
        if (length < 24)
        {
            to[0] = (byte)(Major | length);
            return 1;
        }

        if (length < 0x100)
        {
            to[0] = Major | 24;
            to[1] = (byte)length;
            return 2;
        }

        if (length < 0x10000)
        {
            to[0] = Major | 25;
            to[1] = (byte)(length >> 8);
            to[2] = (byte)length;
            return 3;
        }

        to[0] = Major | 26;
        to[1] = (byte)(length >> 24);
        to[2] = (byte)(length >> 16);
        to[3] = (byte)(length >> 8);
        to[4] = (byte)length;
        return 5;
    }

    private bool TryString(int major, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!TryHead(major, out ulong length) || length > (ulong)(data.Length - position))
        {
            return false;
        }

        value = data.Slice(position, (int)length);
        position += (int)length;
        return true;
    }

    private bool TryCount(int major, out int count)
    {
        // Every element takes a byte at least: a larger count is a lie.
        bool read = TryHead(major, out ulong number) && number <= (ulong)(data.Length - position);
        count = read ? (int)number : 0;
        return read;
    }

    private bool TryHead(int major, out ulong value)
    {
        value = 0;
        if (position >= data.Length || data[position] >> 5 != major)
        {
            return false;
        }

        int information = data[position] & 31;
        position++;
        if (information < 24)
        {
            value = (ulong)information;
            return true;
        }

        if (information > 27)
        {
            return false;
        }

        int bytes = 1 << (information - 24);
        if (bytes > data.Length - position)
        {
            return false;
        }

        for (int i = 0; i < bytes; i++)
        {
            value = (value << 8) | data[position + i];
        }

        position += bytes;
        ulong least = bytes == 1 ? 24UL : 1UL << (4 * bytes);
        return major == Simple ? bytes == 0 : value >= least;
    }
}
