using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>Ancillary data of a message and its flags; all zero for read and write.</summary>
internal struct MessageControl
{
    /// <summary>Flags of send or recv for Linux, without those that the shield serves itself.</summary>
    public ulong Flags;

    /// <summary>The program's ancillary data.</summary>
    public ulong Address;
    public int Length;

    /// <summary>Sending: the open files that travel. Receiving: those that came, the caller's to release.</summary>
    public Handle<PassedFiles> Files;

    /// <summary>Receiving: whether a header is to be filled at all, and what Linux said.</summary>
    public bool Wanted;
    public int Written;
    public int ResultFlags;
}

/// <summary>The forwarded calls that move tokens. None of them blocks; nothing of the program's data is in them.</summary>
internal static class ChannelTokens
{
    /// <summary>Bytes of a message's number that its token begins with.</summary>
    public const int NumberBytes = sizeof(ulong);

    /// <summary>Ancillary data received at most.</summary>
    public const int MaxControl = 4096;

    public const ulong DontWait = 0x40;
    public const ulong Peek = 2;
    public const ulong Truncate = 0x20;

    /// <summary>Pieces of a message in one call: each names the same zeros.</summary>
    private const int MaxPieces = 64;
    private const int EntryBytes = 16;

    /// <summary>Left for headers.</summary>
    private const int HeaderRoom = 2048;

    /// <summary>Most bytes of a stream that go in one piece.</summary>
    public static int Piece(ref Thread thread) =>
        Math.Min(64 << 10, (new SharedBuffer(ref thread).Capacity - HeaderRoom) / 2) & ~(FrameAddress.Size - 1);

    /// <summary>Longest message.</summary>
    public static int MaxMessage(ref Thread thread) => Piece(ref thread) * (MaxPieces - 1);

    /// <summary>Puts tokens into a pipe or stream: what Linux took, or -errno.</summary>
    public static long Put(ref Thread thread, ulong descriptor, bool pipe, int bytes, ref MessageControl control)
    {
        SharedBuffer buffer = new(ref thread);
        if (!TryZeros(ref buffer, bytes, out ulong zeros))
        {
            return -Errno.ENOMEM;
        }

        return pipe ? PlainCall.Checked(Gate.Call(ref thread, Sys.write, descriptor, zeros, (ulong)bytes))
            : control.Length == 0 ? PlainCall.Checked(Gate.Call(ref thread, Sys.sendto, descriptor, zeros, (ulong)bytes, control.Flags | DontWait))
            : Send(ref thread, ref buffer, descriptor, [zeros, (ulong)bytes], ref control);
    }

    /// <summary>Sends the token of a message: its number, as far as it fits, then zeros.</summary>
    public static long PutMessage(ref Thread thread, ulong descriptor, ulong number, int bytes, ref MessageControl control)
    {
        SharedBuffer buffer = new(ref thread);
        int first = Math.Min(bytes, NumberBytes);
        int rest = bytes - first;
        int piece = Math.Max(1, Math.Min(rest, Piece(ref thread)));
        int pieces = (rest + piece - 1) / piece;
        if (pieces >= MaxPieces || !buffer.TryPut(number, out ulong place) || !TryZeros(ref buffer, rest > 0 ? piece : 0, out ulong zeros))
        {
            return -Errno.EMSGSIZE;
        }

        Span<ulong> vector = stackalloc ulong[2 * MaxPieces];
        vector[0] = place;
        vector[1] = (ulong)first;
        for (int i = 0; i < pieces; i++)
        {
            vector[2 + (2 * i)] = zeros;
            vector[3 + (2 * i)] = (ulong)Math.Min(piece, rest - (i * piece));
        }

        return Send(ref thread, ref buffer, descriptor, vector[..(2 + (2 * pieces))], ref control);
    }

    /// <summary>Takes tokens out of a pipe or stream: how many, 0 at the end, or -errno.</summary>
    public static long Take(ref Thread thread, ulong descriptor, bool pipe, int bytes, ref MessageControl control, Span<byte> ancillary)
    {
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryReserve(bytes, out _, out ulong place))
        {
            return -Errno.ENOMEM;
        }

        return pipe ? PlainCall.Checked(Gate.Call(ref thread, Sys.read, descriptor, place, (ulong)bytes))
            : !control.Wanted ? PlainCall.Checked(Gate.Call(ref thread, Sys.recvfrom, descriptor, place, (ulong)bytes, control.Flags | DontWait))
            : Receive(ref thread, ref buffer, descriptor, place, bytes, control.Flags | DontWait, ref control, ancillary);
    }

    /// <summary>Receives the token of a message: the message's length, with what it holds of the number.</summary>
    public static long TakeMessage(ref Thread thread, ulong descriptor, ref MessageControl control, Span<byte> ancillary, out ulong number)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(NumberBytes, out int offset, out ulong place);
        long result = Receive(ref thread, ref buffer, descriptor, place, NumberBytes, control.Flags | DontWait | Truncate, ref control, ancillary);
        number = buffer.Take<ulong>(offset);
        return result;
    }

    private static bool TryZeros(ref SharedBuffer buffer, int bytes, out ulong place)
    {
        if (!buffer.TryReserve(bytes, out int offset, out place))
        {
            return false;
        }

        buffer.Region(offset, bytes).Clear();
        return true;
    }

    private static long Send(ref Thread thread, ref SharedBuffer buffer, ulong descriptor, scoped ReadOnlySpan<ulong> vector, ref MessageControl control)
    {
        MessageHeader os = default;
        if (control.Length != 0)
        {
            // Paging in uses another part of the buffer.
            if (!buffer.TryPutUser(ref thread, control.Address, control.Length, out os.Control))
            {
                return -Errno.EFAULT;
            }

            os.ControlLength = (ulong)control.Length;
        }

        os.VectorLength = (ulong)(vector.Length * sizeof(ulong) / EntryBytes);
        return buffer.TryPut(MemoryMarshal.AsBytes(vector), out os.Vector) && buffer.TryPut(os, out ulong message)
            ? PlainCall.Checked(Gate.Call(ref thread, Sys.sendmsg, descriptor, message, control.Flags | DontWait))
            : -Errno.ENOMEM;
    }

    private static long Receive(
        ref Thread thread, ref SharedBuffer buffer, ulong descriptor, ulong place, int bytes, ulong flags, ref MessageControl control, Span<byte> ancillary)
    {
        MessageHeader os = default;
        int controlOffset = 0;
        int room = control.Wanted ? Math.Min(Math.Min(control.Length, MaxControl), ancillary.Length) : 0;
        if (room > 0)
        {
            _ = buffer.TryReserve(room, out controlOffset, out os.Control);
            os.ControlLength = (ulong)room;
        }

        Span<ulong> entry = [place, (ulong)bytes];
        _ = buffer.TryPut(MemoryMarshal.AsBytes(entry), out os.Vector);
        os.VectorLength = 1;
        if (!buffer.TryReserve(MessageHeader.Size, out int headerOffset, out ulong message))
        {
            return -Errno.ENOMEM;
        }

        buffer.CopyIn(headerOffset, MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref os, 1)));
        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.recvmsg, descriptor, message, flags));
        if (result < 0)
        {
            return result;
        }

        MessageHeader answer = buffer.Take<MessageHeader>(headerOffset);
        control.ResultFlags = answer.Flags;
        control.Written = (int)Math.Min(answer.ControlLength, (ulong)room);
        buffer.CopyOut(controlOffset, ancillary[..control.Written]);
        return result;
    }
}
