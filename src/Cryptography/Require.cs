using System;
using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>
/// Checks of what only a programming error can violate, such as the size of a key. There are no exceptions to throw
/// in monitor and shield: a violation ends as an access outside a span does, which stops the program (freestanding)
/// or throws <see cref="IndexOutOfRangeException"/> (ordinary .NET).
/// </summary>
internal static class Require
{
    /// <summary>Stops unless the condition holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void That(bool condition)
    {
        if (!condition)
        {
            Fail(default);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte Fail(ReadOnlySpan<byte> empty) => empty[0];
}
