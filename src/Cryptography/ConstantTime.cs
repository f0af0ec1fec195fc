using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Cryptography;

/// <summary>Operations whose running time depends on lengths only, never on contents.</summary>
public static class ConstantTime
{
    /// <summary>Compares two byte strings without an early exit.</summary>
    /// <returns>True if length and contents agree. The lengths are taken to be public.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Equals(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != right.Length)
        {
            return false;
        }

        uint difference = 0;
        for (int i = 0; i < left.Length; i++)
        {
            difference |= (uint)(left[i] ^ right[i]);
        }

        return difference == 0;
    }

    /// <summary>
    /// Overwrites a secret with zeros. The call is neither inlined nor optimised, so the compiler cannot see that
    /// nobody reads the memory afterwards, and cannot drop the stores.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    public static void Wipe(Span<byte> secret) => secret.Clear();

    /// <summary>Overwrites a structure without references with zeros; see <see cref="Wipe(Span{byte})"/>.</summary>
    /// <param name="secret">The structure, in the caller's memory.</param>
    /// <typeparam name="T">Any type that holds no references.</typeparam>
    public static void Wipe<T>(ref T secret)
        where T : unmanaged
        => Wipe(MemoryMarshal.CreateSpan(ref Unsafe.As<T, byte>(ref secret), Unsafe.SizeOf<T>()));
}
