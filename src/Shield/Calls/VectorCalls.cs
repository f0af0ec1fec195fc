using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>readv, writev and kin: the pieces are gathered, so that Linux sees one (a message stays one message).</summary>
internal static class VectorCalls
{
    /// <summary>preadv2 and pwritev2: position -1 means the file's own.</summary>
    private const ulong CurrentPosition = ulong.MaxValue;

    public static long Read(ref Thread thread, ref CallArguments a) => Transfer(ref thread, Sys.readv, ref a, CurrentPosition, 0, write: false);

    public static long Write(ref Thread thread, ref CallArguments a) => Transfer(ref thread, Sys.writev, ref a, CurrentPosition, 0, write: true);

    public static long PositionedRead(ref Thread thread, ref CallArguments a) =>
        (long)a[3] < 0 ? -Errno.EINVAL : Transfer(ref thread, Sys.preadv, ref a, a[3], 0, write: false);

    public static long PositionedWrite(ref Thread thread, ref CallArguments a) =>
        (long)a[3] < 0 ? -Errno.EINVAL : Transfer(ref thread, Sys.pwritev, ref a, a[3], 0, write: true);

    public static long FlaggedRead(ref Thread thread, ref CallArguments a) => Transfer(ref thread, Sys.preadv2, ref a, a[3], a[5], write: false);

    public static long FlaggedWrite(ref Thread thread, ref CallArguments a) => Transfer(ref thread, Sys.pwritev2, ref a, a[3], a[5], write: true);

    private static long Transfer(ref Thread thread, Sys number, ref CallArguments a, ulong position, ulong flags, bool write)
    {
        long result = UserVector.Read(ref thread, a[1], a[2], out UserVector vector);
        if (result != 0)
        {
            return result;
        }

        result = write
            ? WritePieces(ref thread, number, a[0], ref vector, position, flags)
            : ReadPieces(ref thread, number, a[0], ref vector, position, flags);
        vector.Free();
        return result;
    }

    private static long Call(
        ref Thread thread, ref SharedBuffer buffer, Sys number, ulong descriptor, ulong place, int bytes, ulong position, ulong flags)
    {
        Span<ulong> entry = [place, (ulong)bytes];
        return buffer.TryPut(MemoryMarshal.AsBytes(entry), out ulong vector)
            ? PlainCall.Checked(Gate.Call(ref thread, number, descriptor, vector, 1, position, 0, flags))
            : -Errno.ENOMEM;
    }

    private static long ReadPieces(ref Thread thread, Sys number, ulong descriptor, ref UserVector vector, ulong position, ulong flags)
    {
        ulong done = 0;
        while (true)
        {
            SharedBuffer buffer = new(ref thread);
            int piece = (int)Math.Min(vector.Left, (ulong)(buffer.Capacity - 64));
            _ = buffer.TryReserve(piece, out int offset, out ulong place);
            ulong at = position == CurrentPosition ? position : position + done;
            long result = Call(ref thread, ref buffer, number, descriptor, place, piece, at, flags);
            if (result < 0)
            {
                return done > 0 ? (long)done : result;
            }

            if (result > piece)
            {
                return PlainCall.Lie();
            }

            int copied = vector.Scatter(ref thread, buffer.Region(offset, (int)result));
            done += (ulong)copied;
            if (copied < result)
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            if (result < piece || vector.Left == 0
                || (position == CurrentPosition && !TransferCalls.IsReadable(ref thread, descriptor)))
            {
                return (long)done;
            }
        }
    }

    private static long WritePieces(ref Thread thread, Sys number, ulong descriptor, ref UserVector vector, ulong position, ulong flags)
    {
        ulong done = 0;
        while (true)
        {
            SharedBuffer buffer = new(ref thread);
            int piece = (int)Math.Min(vector.Left, (ulong)(buffer.Capacity - 64));
            _ = buffer.TryReserve(piece, out int offset, out ulong place);
            int copied = vector.Gather(ref thread, buffer.Region(offset, piece));
            if (copied == 0 && piece > 0)
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            ulong at = position == CurrentPosition ? position : position + done;
            long result = Call(ref thread, ref buffer, number, descriptor, place, copied, at, flags);
            if (result < 0)
            {
                return done > 0 ? (long)done : result;
            }

            if (result > copied)
            {
                return PlainCall.Lie();
            }

            done += (ulong)result;
            if (result < piece || vector.Left == 0)
            {
                return (long)done;
            }
        }
    }
}
