using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>read, write and their positioned kin: any length, in pieces of the shared buffer.</summary>
internal static class TransferCalls
{
    private const short PollIn = 1;

    public static long Read(ref Thread thread, ref CallArguments a) =>
        ReadPieces(ref thread, Sys.read, a[0], a[1], a[2], 0, positioned: false);

    public static long PositionedRead(ref Thread thread, ref CallArguments a) =>
        ReadPieces(ref thread, Sys.pread64, a[0], a[1], a[2], a[3], positioned: true);

    public static long Write(ref Thread thread, ref CallArguments a) =>
        WritePieces(ref thread, Sys.write, a[0], a[1], a[2], 0, positioned: false);

    public static long PositionedWrite(ref Thread thread, ref CallArguments a) =>
        WritePieces(ref thread, Sys.pwrite64, a[0], a[1], a[2], a[3], positioned: true);

    /// <summary>
    /// Whether a read of the descriptor would not block now. Asked between two pieces of a read: a file is always ready, and
    /// what came from a pipe or socket is not kept back waiting for more.
    /// </summary>
    public static bool IsReadable(ref Thread thread, ulong descriptor)
    {
        SharedBuffer buffer = new(ref thread);
        Span<byte> request = stackalloc byte[24];
        request.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(request, (int)descriptor);
        BinaryPrimitives.WriteInt16LittleEndian(request[4..], PollIn);
        return buffer.TryPut(request, out ulong place) && Gate.Call(ref thread, Sys.ppoll, place, 1, place + 8, 0, 8) > 0;
    }

    private static long ReadPieces(
        ref Thread thread, Sys number, ulong descriptor, ulong address, ulong length, ulong position, bool positioned)
    {
        ulong left = Math.Min(length, UserVector.MaxBytes);
        ulong done = 0;
        while (true)
        {
            SharedBuffer buffer = new(ref thread);
            int piece = (int)Math.Min(left, (ulong)buffer.Capacity);
            _ = buffer.TryReserve(piece, out int offset, out ulong place);
            long result = Gate.Call(ref thread, number, descriptor, place, (ulong)piece, positioned ? position + done : 0);
            if (result < 0)
            {
                return done > 0 ? (long)done : PlainCall.Checked(result);
            }

            if (result > piece)
            {
                return PlainCall.Lie();
            }

            int copied = UserMemory.WriteUpTo(ref thread, address + done, buffer.Region(offset, (int)result));
            done += (ulong)copied;
            left -= (ulong)copied;
            if (copied < result)
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            if (result < piece || left == 0 || (!positioned && !IsReadable(ref thread, descriptor)))
            {
                return (long)done;
            }
        }
    }

    private static long WritePieces(
        ref Thread thread, Sys number, ulong descriptor, ulong address, ulong length, ulong position, bool positioned)
    {
        ulong left = Math.Min(length, UserVector.MaxBytes);
        ulong done = 0;
        while (true)
        {
            SharedBuffer buffer = new(ref thread);
            int piece = (int)Math.Min(left, (ulong)buffer.Capacity);
            _ = buffer.TryReserve(piece, out int offset, out ulong place);
            int copied = UserMemory.ReadUpTo(ref thread, address + done, buffer.Region(offset, piece));
            if (copied == 0 && piece > 0)
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            long result = Gate.Call(ref thread, number, descriptor, place, (ulong)copied, positioned ? position + done : 0);
            if (result < 0)
            {
                return done > 0 ? (long)done : PlainCall.Checked(result);
            }

            if (result > copied)
            {
                return PlainCall.Lie();
            }

            done += (ulong)result;
            left -= (ulong)result;
            if (result < piece || left == 0)
            {
                return (long)done;
            }
        }
    }
}
