using System;

namespace BlackBox.Shield;

/// <summary>The program's bytes of one call, to be filled or taken: one range, or an iovec array. Freed with <see cref="Free"/>.</summary>
internal struct UserBytes
{
    private UserVector vector;
    private bool isVector;
    private ulong address;
    private ulong left;

    /// <summary>Bytes still to go.</summary>
    public readonly ulong Left => isVector ? vector.Left : left;

    /// <summary>One range, cut to what one call of Linux moves at most.</summary>
    public static UserBytes Range(ulong address, ulong length) =>
        new() { address = address, left = Math.Min(length, UserVector.MaxBytes) };

    /// <summary>An iovec array: 0 or -errno.</summary>
    public static long Vector(ref Thread thread, ulong address, ulong entries, out UserBytes bytes)
    {
        bytes = default;
        bytes.isVector = true;
        return UserVector.Read(ref thread, address, entries, out bytes.vector);
    }

    public void Free()
    {
        if (isVector)
        {
            vector.Free();
        }
    }

    /// <summary>Moves on by bytes that were gathered before from a copy of this position.</summary>
    public void Skip(int bytes)
    {
        if (isVector)
        {
            vector.Skip(bytes);
            return;
        }

        address += (ulong)bytes;
        left -= (ulong)bytes;
    }

    /// <summary>Copies to the program and moves on; fewer bytes than given: a fault, or the end.</summary>
    public int Scatter(ref Thread thread, ReadOnlySpan<byte> from)
    {
        if (isVector)
        {
            return vector.Scatter(ref thread, from);
        }

        int copied = UserMemory.WriteUpTo(ref thread, address, from[..(int)Math.Min((ulong)from.Length, left)]);
        address += (ulong)copied;
        left -= (ulong)copied;
        return copied;
    }

    /// <summary>Copies from the program and moves on; fewer bytes than there is room for: a fault, or the end.</summary>
    public int Gather(ref Thread thread, Span<byte> to)
    {
        if (isVector)
        {
            return vector.Gather(ref thread, to);
        }

        int copied = UserMemory.ReadUpTo(ref thread, address, to[..(int)Math.Min((ulong)to.Length, left)]);
        address += (ulong)copied;
        left -= (ulong)copied;
        return copied;
    }
}
