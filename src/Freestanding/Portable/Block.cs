using System;
using System.Runtime.InteropServices;

namespace BlackBox.Freestanding;

/// <summary>
/// Copies and clears whole structures by a call, in general registers. A plain assignment of a structure of 32 to 128 bytes is
/// compiled to moves through q16 and q17 instead.
/// </summary>
public static class Block
{
    /// <summary>Sets every byte of <paramref name="value"/> to zero.</summary>
    public static void Clear<T>(ref T value) where T : unmanaged =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)).Clear();

    /// <summary>Copies <paramref name="source"/> over <paramref name="destination"/>; they may overlap.</summary>
    public static void Copy<T>(ref T destination, ref readonly T source) where T : unmanaged =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in source, 1))
            .CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref destination, 1)));

    /// <summary>The bytes of a structure.</summary>
    public static Span<byte> Bytes<T>(ref T value) where T : unmanaged => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1));

    /// <summary>The structure at the start of <paramref name="bytes"/>; too few bytes fail.</summary>
    public static ref T At<T>(Span<byte> bytes) where T : unmanaged => ref MemoryMarshal.AsRef<T>(bytes);
}
