using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>Who serves a call.</summary>
internal enum CallService : byte
{
    Absent = 0,
    Forwarder = 1,
    Handler = 2,
    Denied = 3,
}

/// <summary>What an argument of a forwarded call is (Generator/README.md).</summary>
internal enum ArgumentKind : byte
{
    Zero = 0,
    Value = 1,
    Descriptor = 2,
    Path = 3,
    In = 4,
    Out = 5,
    InOut = 6,
}

/// <summary>How much of an out argument is copied to the program.</summary>
internal enum WrittenRule : byte
{
    /// <summary>All of it, on success.</summary>
    Full = 0,

    /// <summary>As much as the call's result says.</summary>
    Result = 1,

    /// <summary>All of it, when the call ends with EINTR.</summary>
    Interrupted = 2,
}

/// <summary>Rule of one argument: four bytes of the table.</summary>
internal readonly struct ArgumentRule(uint code)
{
    public ArgumentKind Kind => (ArgumentKind)(code & 15);

    public WrittenRule Written => (WrittenRule)((code >> 4) & 7);

    public bool IsNullable => (code & 0x80) != 0;

    /// <summary>Argument that holds the size in units; -1: the size is <see cref="Unit"/> bytes.</summary>
    public int SizeArgument => (int)((code >> 8) & 0xFF) - 1;

    public int Unit => (int)(code >> 16);
}

/// <summary>Row of a call.</summary>
internal readonly ref struct CallRule(ReadOnlySpan<byte> row)
{
    private readonly ReadOnlySpan<byte> row = row;

    public CallService Service => row.IsEmpty ? CallService.Absent : (CallService)row[0];

    public int ArgumentCount => row[1];

    public long Error => row[2];

    /// <summary>Greatest result that a success can have, for a call with these arguments.</summary>
    public long Most(ref CallArguments arguments) => row[3] switch
    {
        0 => long.MaxValue,
        1 => 0,
        2 => int.MaxValue,
        _ => (long)Math.Min(arguments[row[3] - 3], long.MaxValue),
    };

    public ArgumentRule Argument(int index)
    {
        ReadOnlySpan<byte> code = row.Slice(4 + (4 * index), 4);
        return new ArgumentRule((uint)(code[0] | (code[1] << 8) | (code[2] << 16) | (code[3] << 24)));
    }
}

/// <summary>The table of calls, generated from calls.json.</summary>
internal static partial class CallTable
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CallRule Get(uint number) =>
        number < Count ? new CallRule(Rows.Slice((int)number * RowSize, RowSize)) : default;
}
