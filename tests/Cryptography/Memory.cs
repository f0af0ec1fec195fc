using System.Runtime.InteropServices;

namespace BlackBox.Cryptography.Tests;

internal static class Memory
{
    /// <summary>Whether all bytes of a structure are zero.</summary>
    public static bool IsZero<T>(ref T value)
        where T : struct
        => !MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)).ContainsAnyExcept((byte)0);
}
