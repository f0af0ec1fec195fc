using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>A line of text without allocation: what does not fit is cut off.</summary>
internal struct LineWriter
{
    [InlineArray(Panic.MaxText)]
    private struct Characters
    {
        private byte first;
    }

    private Characters characters;
    private int length;

    [UnscopedRef]
    public ReadOnlySpan<byte> Text => MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<Characters, byte>(ref characters), length);

    public void Write(ReadOnlySpan<byte> text)
    {
        Span<byte> room = MemoryMarshal.CreateSpan(ref Unsafe.As<Characters, byte>(ref characters), Panic.MaxText)[length..];
        int step = Math.Min(room.Length, text.Length);
        text[..step].CopyTo(room);
        length += step;
    }

    public void WriteHexadecimal(ulong value)
    {
        Write("0x"u8);
        int shift = 60;
        while (shift > 0 && value >> shift == 0)
        {
            shift -= 4;
        }

        for (; shift >= 0; shift -= 4)
        {
            Write("0123456789abcdef"u8.Slice((int)(value >> shift) & 15, 1));
        }
    }

    public void WriteDecimal(long value)
    {
        if (value < 0)
        {
            Write("-"u8);
        }

        ulong rest = value < 0 ? (ulong)-value : (ulong)value;
        ulong unit = 1;
        while (rest / unit >= 10)
        {
            unit *= 10;
        }

        for (; unit > 0; unit /= 10)
        {
            Write("0123456789"u8.Slice((int)(rest / unit % 10), 1));
        }
    }
}
