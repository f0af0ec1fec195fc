using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace BlackBox.Freestanding.Sample;

/// <summary>Says on the PL011 of QEMU's "virt" machine what works, then fails on purpose.</summary>
internal static unsafe class Sample
{
    private static int s_counter;
    private static Table s_table;
    private static ulong s_wide;

    private static readonly byte[] Constants = [3, 1, 4, 1, 5, 9, 2, 6];

    private static ReadOnlySpan<uint> Words => [0x01020304, 0xa0b0c0d0, 7];

    private static void Put(byte character) => Volatile.Write(ref Unsafe.AsRef<uint>((void*)0x09000000), character);

    private static void Print(ReadOnlySpan<byte> text)
    {
        foreach (byte character in text)
            Put(character);
    }

    private static void PrintHex(ulong value)
    {
        for (int shift = 60; shift >= 0; shift -= 4)
            Put("0123456789abcdef"u8[(int)(value >> shift) & 15]);
    }

    private static void Check(bool condition, ReadOnlySpan<byte> name)
    {
        Print(condition ? "ok   "u8 : "FAIL "u8);
        Print(name);
        Print("\n"u8);
    }

    private static int AddAll<TStep>(ref int target, int times) where TStep : struct, IStep
    {
        for (int i = 0; i < times; i++)
            Interlocked.Add(ref target, TStep.Amount);
        return target;
    }

    [RuntimeExport("sample_main")]
    private static void Main(ulong exceptionLevel)
    {
        Check(exceptionLevel == 2, "exception level 2"u8);
        Check(AddAll<StepThree>(ref s_counter, 5) == 15, "interlocked through a static abstract member"u8);
        Check(Interlocked.CompareExchange(ref s_counter, 4, 15) == 15 && s_counter == 4, "compare and exchange"u8);
        Check(Interlocked.Exchange(ref s_wide, 0x8000_0000_0000_0001) == 0 && Interlocked.Or(ref s_wide, 2) == 0x8000_0000_0000_0001
            && Interlocked.And(ref s_wide, 3) == 0x8000_0000_0000_0003 && Interlocked.Add(ref s_wide, 1) == 4, "64-bit atomics"u8);

        s_table[3] = 7;
        s_table[15] = 9;
        Span<ulong> entries = s_table;
        ulong sum = 0;
        foreach (ulong entry in entries)
            sum += entry;
        Check(entries.Length == 16 && sum == 16, "inline array as a span"u8);

        Check(Constants.Length == 8 && Constants[5] == 9 && Constants.AsSpan(2, 3).SequenceEqual("\x04\x01\x05"u8), "frozen array"u8);
        Check(Words[1] == 0xa0b0c0d0 && Words.Length == 3, "constant span of words"u8);

        Span<byte> buffer = stackalloc byte[40];
        BinaryPrimitives.WriteUInt64BigEndian(buffer, 0x0102030405060708);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer[8..], 0xcafebabe);
        Check(buffer[0] == 1 && buffer[7] == 8 && BinaryPrimitives.ReadUInt32BigEndian(buffer[8..]) == 0xbebafeca, "binary primitives"u8);
        buffer[..9].CopyTo(buffer[1..]);
        Check(buffer[1] == 1 && buffer[8] == 8 && buffer[9] == 0xbe, "overlapping copy up"u8);
        buffer[1..10].CopyTo(buffer);
        Check(buffer[0] == 1 && buffer[7] == 8, "overlapping copy down"u8);
        buffer.Fill(0xaa);
        Check(MemoryMarshal.Cast<byte, ulong>(buffer)[4] == 0xaaaa_aaaa_aaaa_aaaa, "fill and cast"u8);
        buffer.Clear();
        Check(!((ReadOnlySpan<byte>)buffer).ContainsAnyExcept((byte)0), "clear"u8);

        Check(BitOperations.LeadingZeroCount(1UL) == 63 && BitOperations.TrailingZeroCount(0x100u) == 8 && BitOperations.PopCount(~0UL) == 64
            && BitOperations.Log2(4096ul) == 12 && BitOperations.RotateRight(1u, 1) == 0x80000000, "bit operations"u8);
        Check(Math.BigMul(ulong.MaxValue, ulong.MaxValue, out ulong low) == ulong.MaxValue - 1 && low == 1, "wide product"u8);

        Pair pair = new() { First = 1, Second = new Address(0x1000) };
        Pair copy = pair;
        Check(copy.Second.Equals(new Address(0x1000)) && copy.Second == pair.Second, "typed addresses"u8);
        int? maybe = copy.First > 0 ? 5 : null;
        Check(maybe is 5, "nullable"u8);
        Check("text".Length == 4 && "text"[1] == 'e', "string constants"u8);

        using (new Scope(ref s_counter))
            Check(s_counter == 5, "scope entered"u8);
        Check(s_counter == 4, "scope left"u8);

        Big big = default;
        big.Words[3] = sum;
        Big other = big;
        s_big = other;
        Check(s_big.Words[3] == 16 && s_big.Words[11] == 0, "large structures"u8);

        Print("now failing\n"u8);

        s_table[0] = entries[(int)sum];
        Print("FAIL not reached\n"u8);
    }

    private static Big s_big;

    [RuntimeExport("bb_panic")]
    private static void OnPanic(byte* text, nuint length, nuint returnAddress, nuint framePointer)
    {
        Print("panic: "u8);
        Print(new ReadOnlySpan<byte>(text, (int)length));
        nuint frame = framePointer;
        for (int depth = 0; depth < 8 && frame != 0; depth++)
        {
            Print(" 0x"u8);
            PrintHex(*(ulong*)(frame + 8));
            frame = *(nuint*)frame;
        }
        Print("\n"u8);
        PowerOff();
    }

    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "sample_power_off")]
    private static extern void PowerOff();
}

internal interface IStep
{
    static abstract int Amount { get; }
}

internal readonly struct StepThree : IStep
{
    public static int Amount => 3;
}

[InlineArray(16)]
internal struct Table
{
    private ulong _first;
}

[InlineArray(12)]
internal struct Words12
{
    private ulong _first;
}

internal struct Big
{
    public Words12 Words;
}

internal readonly struct Address(ulong value) : IEquatable<Address>
{
    public readonly ulong Value = value;

    public bool Equals(Address other) => Value == other.Value;

    public override bool Equals(object? obj) => obj is Address other && Equals(other);

    public override int GetHashCode() => (int)Value;

    public static bool operator ==(Address left, Address right) => left.Equals(right);

    public static bool operator !=(Address left, Address right) => !left.Equals(right);
}

internal struct Pair
{
    public int First;
    public Address Second;
}

internal readonly ref struct Scope : IDisposable
{
    private readonly ref int _counter;

    public Scope(ref int counter)
    {
        _counter = ref counter;
        counter++;
    }

    public void Dispose() => _counter--;
}
