using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime;
using System.Runtime.CompilerServices;

namespace BlackBox.Freestanding
{
    /// <summary>The end of a program that found itself wrong.</summary>
    public static unsafe class Panic
    {
        // Assembly/Panic.S: adds the return address and the frame pointer, then calls the program's bb_panic(text, length, pc, fp).
        [MethodImpl(MethodImplOptions.InternalCall)]
        [RuntimeImport("*", "bb_raise_panic")]
        private static extern void Raise(byte* text, nuint length);

        /// <summary>Stops this program with a reason.</summary>
        /// <param name="text">UTF-8, a constant.</param>
        [DoesNotReturn]
        [MethodImpl(MethodImplOptions.NoInlining)]
        public static void Fail(ReadOnlySpan<byte> text)
        {
            fixed (byte* first = text)
                Raise(first, (uint)text.Length);
            while (true) { }
        }

        /// <summary>Stops this program unless <paramref name="condition"/> holds.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Unless([DoesNotReturnIf(false)] bool condition, ReadOnlySpan<byte> text)
        {
            if (!condition)
                Fail(text);
        }
    }
}
