using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>
/// The program's memory as the shield reaches it: page by page through <see cref="AddressSpaces.TryResolve"/>, which
/// walks the process's own tables, checks permissions and brings absent pages in. False is EFAULT; what was copied
/// before the failing page stays copied, as with Linux's copy_to_user. May call the OS, hence drop the kernel lock.
/// </summary>
internal static class UserMemory
{
    /// <summary>First address that no program's memory reaches (48-bit TTBR0 space).</summary>
    public const ulong End = 1UL << 48;

    /// <summary>Whether [address, address + length) lies in the program's half of the address space.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsRange(ulong address, ulong length) => address <= End && length <= End - address;

    public static bool TryRead(ref Thread thread, ulong address, scoped Span<byte> to) =>
        ReadUpTo(ref thread, address, to) == to.Length;

    public static bool TryWrite(ref Thread thread, ulong address, scoped ReadOnlySpan<byte> from) =>
        WriteUpTo(ref thread, address, from) == from.Length;

    /// <summary>Copies until the first page that cannot be read; returns the bytes copied.</summary>
    public static int ReadUpTo(ref Thread thread, ulong address, scoped Span<byte> to)
    {
        if (!IsRange(address, (ulong)to.Length))
        {
            return 0;
        }

        int done = 0;
        while (done < to.Length)
        {
            ulong at = address + (ulong)done;
            int offset = (int)(at & (FrameAddress.Size - 1));
            int step = Math.Min(to.Length - done, FrameAddress.Size - offset);
            if (!AddressSpaces.TryResolve(ref thread, at, UserAccess.Read, out FrameAddress frame))
            {
                return done;
            }

            Frames.Bytes(frame).Slice(offset, step).CopyTo(to.Slice(done, step));
            done += step;
        }

        return done;
    }

    /// <summary>Copies until the first page that cannot be written; returns the bytes copied.</summary>
    public static int WriteUpTo(ref Thread thread, ulong address, scoped ReadOnlySpan<byte> from)
    {
        if (!IsRange(address, (ulong)from.Length))
        {
            return 0;
        }

        int done = 0;
        while (done < from.Length)
        {
            ulong at = address + (ulong)done;
            int offset = (int)(at & (FrameAddress.Size - 1));
            int step = Math.Min(from.Length - done, FrameAddress.Size - offset);
            if (!AddressSpaces.TryResolve(ref thread, at, UserAccess.Write, out FrameAddress frame))
            {
                return done;
            }

            from.Slice(done, step).CopyTo(Frames.Bytes(frame).Slice(offset, step));
            done += step;
        }

        return done;
    }

    /// <summary>Sets <paramref name="length"/> bytes to <paramref name="value"/>.</summary>
    public static bool TryFill(ref Thread thread, ulong address, ulong length, byte value = 0)
    {
        if (!IsRange(address, length))
        {
            return false;
        }

        ulong end = address + length;
        while (address < end)
        {
            int offset = (int)(address & (FrameAddress.Size - 1));
            int step = (int)Math.Min(end - address, (ulong)(FrameAddress.Size - offset));
            if (!AddressSpaces.TryResolve(ref thread, address, UserAccess.Write, out FrameAddress frame))
            {
                return false;
            }

            Frames.Bytes(frame).Slice(offset, step).Fill(value);
            address += (ulong)step;
        }

        return true;
    }

    /// <summary>
    /// Reads a NUL-terminated string. <paramref name="length"/> is its bytes without the NUL, or -EFAULT, or
    /// -ENAMETOOLONG when there is no NUL in <paramref name="to"/>'s length.
    /// </summary>
    public static bool TryReadString(ref Thread thread, ulong address, scoped Span<byte> to, out long length)
    {
        int done = 0;
        while (done < to.Length)
        {
            ulong at = address + (ulong)done;
            if (!IsRange(at, 1) || !AddressSpaces.TryResolve(ref thread, at, UserAccess.Read, out FrameAddress frame))
            {
                length = -Errno.EFAULT;
                return false;
            }

            int offset = (int)(at & (FrameAddress.Size - 1));
            int step = Math.Min(to.Length - done, FrameAddress.Size - offset);
            Span<byte> piece = to.Slice(done, step);
            Frames.Bytes(frame).Slice(offset, step).CopyTo(piece);
            for (int i = 0; i < piece.Length; i++)
            {
                if (piece[i] == 0)
                {
                    length = done + i;
                    return true;
                }
            }

            done += step;
        }

        length = -Errno.ENAMETOOLONG;
        return false;
    }

    public static bool TryRead<T>(ref Thread thread, ulong address, out T value)
        where T : unmanaged
    {
        value = default;
        return TryRead(ref thread, address, MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)));
    }

    public static bool TryWrite<T>(ref Thread thread, ulong address, T value)
        where T : unmanaged =>
        TryWrite(ref thread, address, MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref value, 1)));
}
