using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>Memory of an address space that is being made, hence is not the calling thread's yet.</summary>
internal static class SpaceMemory
{
    /// <summary>Writes bytes; brings the pages in. May call the OS.</summary>
    public static bool TryWrite(ref Thread thread, Handle<AddressSpace> space, ulong address, ReadOnlySpan<byte> from)
    {
        int done = 0;
        while (done < from.Length)
        {
            ulong at = address + (ulong)done;
            int offset = (int)(at & UserLayout.PageMask);
            int step = Math.Min(from.Length - done, FrameAddress.Size - offset);
            if (!TryPage(ref thread, space, at, out FrameAddress frame))
            {
                return false;
            }

            from.Slice(done, step).CopyTo(Frames.Bytes(frame).Slice(offset, step));
            done += step;
        }

        return true;
    }

    public static bool TryWrite(ref Thread thread, Handle<AddressSpace> space, ulong address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return TryWrite(ref thread, space, address, bytes);
    }

    /// <summary>Zeroes [from, end of its page).</summary>
    public static bool TryClearRest(ref Thread thread, Handle<AddressSpace> space, ulong from)
    {
        int offset = (int)(from & UserLayout.PageMask);
        if (offset == 0)
        {
            return true;
        }

        if (!TryPage(ref thread, space, from, out FrameAddress frame))
        {
            return false;
        }

        Frames.Bytes(frame)[offset..].Clear();
        return true;
    }

    private static bool TryPage(ref Thread thread, Handle<AddressSpace> space, ulong address, out FrameAddress frame) =>
        MemoryFault.Handle(ref thread, space, address, UserAccess.Write, out frame).IsResolved && !frame.IsNull;
}
