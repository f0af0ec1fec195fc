using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>ppoll, pselect6, epoll_pwait: arrays both ways, a timeout, a signal mask for the time of the call.</summary>
internal static class PollCalls
{
    private const int PollEntry = 8;
    private const int EpollEntry = 16;
    private const int TimeBytes = 16;
    private const int MaskBytes = 8;

    /// <summary>What is left in the buffer for timeout and mask.</summary>
    private const int Rest = 256;

    /// <summary>Most descriptors in a set that are carried: 8 KiB a set.</summary>
    private const int MaxSelect = 65536;

    public static long Poll(ref Thread thread, ref CallArguments a)
    {
        SharedBuffer buffer = new(ref thread);
        ulong count = (uint)a[1];
        if (count > (ulong)(buffer.Capacity - Rest) / PollEntry)
        {
            return -Errno.EINVAL;
        }

        int bytes = (int)count * PollEntry;
        _ = buffer.TryReserve(bytes, out int offset, out ulong place);
        if (!buffer.TryFillFromUser(ref thread, offset, a[0], bytes))
        {
            return -Errno.EFAULT;
        }

        if (!TryTimeAndMask(ref thread, ref buffer, a[2], a[3], a[4], out int timeOffset, out ulong time, out ulong mask, out ulong maskValue, out long error))
        {
            return error;
        }

        long result = CallMasked(ref thread, Sys.ppoll, maskValue, place, count, time, mask, mask == 0 ? 0UL : MaskBytes, 0);
        if (a[2] != 0 && result != -Errno.ERESTARTSYS)
        {
            // Linux ignores a failure to write the rest of the time.
            _ = buffer.CopyOutToUser(ref thread, timeOffset, a[2], TimeBytes);
        }

        return result < 0 ? result
            : result > (long)count ? PlainCall.Lie()
            : WriteEvents(ref thread, ref buffer, offset, a[0], (int)count) ? result
            : -Errno.EFAULT;
    }

    public static long Select(ref Thread thread, ref CallArguments a)
    {
        int count = (int)a[0];
        if (count < 0)
        {
            return -Errno.EINVAL;
        }

        count = Math.Min(count, MaxSelect);
        int bytes = (count + 63) / 64 * 8;
        SharedBuffer buffer = new(ref thread);
        Span<int> offsets = [0, 0, 0];
        Span<ulong> places = [0, 0, 0];
        for (int i = 0; i < 3; i++)
        {
            if (a[i + 1] == 0)
            {
                continue;
            }

            if (!buffer.TryReserve(bytes, out offsets[i], out places[i]))
            {
                return -Errno.ENOMEM;
            }

            if (!buffer.TryFillFromUser(ref thread, offsets[i], a[i + 1], bytes))
            {
                return -Errno.EFAULT;
            }
        }

        // The sixth argument names a pair: mask, its size.
        ulong maskAddress = 0;
        ulong maskSize = 0;
        if (a[5] != 0 && !(UserMemory.TryRead(ref thread, a[5], out maskAddress) && UserMemory.TryRead(ref thread, a[5] + 8, out maskSize)))
        {
            return -Errno.EFAULT;
        }

        if (!TryTimeAndMask(ref thread, ref buffer, a[4], maskAddress, maskSize, out int timeOffset, out ulong time, out ulong mask, out ulong maskValue, out long error))
        {
            return error;
        }

        ulong pair = 0;
        if (mask != 0)
        {
            Span<byte> pairBytes = stackalloc byte[16];
            BinaryPrimitives.WriteUInt64LittleEndian(pairBytes, mask);
            BinaryPrimitives.WriteUInt64LittleEndian(pairBytes[8..], MaskBytes);
            _ = buffer.TryPut(pairBytes, out pair);
        }

        long result = CallMasked(ref thread, Sys.pselect6, maskValue, (ulong)count, places[0], places[1], places[2], time, pair);
        if (a[4] != 0 && result != -Errno.ERESTARTSYS)
        {
            _ = buffer.CopyOutToUser(ref thread, timeOffset, a[4], TimeBytes);
        }

        if (result < 0 || result > 3L * count)
        {
            return result < 0 ? result : PlainCall.Lie();
        }

        for (int i = 0; i < 3; i++)
        {
            if (places[i] != 0 && !WriteSet(ref thread, ref buffer, offsets[i], a[i + 1], bytes))
            {
                return -Errno.EFAULT;
            }
        }

        return result;
    }

    public static long EpollWait(ref Thread thread, ref CallArguments a) =>
        EpollWait(ref thread, Sys.epoll_pwait, ref a, a[3], 0);

    public static long EpollWait2(ref Thread thread, ref CallArguments a) =>
        EpollWait(ref thread, Sys.epoll_pwait2, ref a, 0, a[3]);

    private static long EpollWait(ref Thread thread, Sys number, ref CallArguments a, ulong milliseconds, ulong timeAddress)
    {
        int most = (int)a[2];
        if (most <= 0)
        {
            return -Errno.EINVAL;
        }

        if (!Descriptors.TryFind(ref thread, a[0], out Handle<OpenFile> instance))
        {
            return -Errno.EBADF;
        }

        SharedBuffer buffer = new(ref thread);
        most = Math.Min(most, (buffer.Capacity - Rest) / EpollEntry);
        _ = buffer.TryReserve(most * EpollEntry, out int offset, out ulong place);
        if (!TryTimeAndMask(ref thread, ref buffer, timeAddress, a[4], a[5], out _, out ulong time, out ulong mask, out ulong maskValue, out long error))
        {
            return error;
        }

        ulong timeout = number == Sys.epoll_pwait ? milliseconds : time;
        long result = CallMasked(ref thread, number, maskValue, a[0], place, (ulong)most, timeout, mask, mask == 0 ? 0UL : MaskBytes);
        return result < 0 ? result
            : result > most ? PlainCall.Lie()
            : EpollCalls.WriteEvents(ref thread, ref buffer, offset, instance, a[1], (int)result);
    }

    /// <summary>Forwards with the program's mask, if it gave one, in force meanwhile.</summary>
    private static long CallMasked(
        ref Thread thread, Sys number, ulong maskValue, ulong a0, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5)
    {
        bool masked = (number == Sys.ppoll ? a3 : number == Sys.pselect6 ? a5 : a4) != 0;
        if (masked)
        {
            SignalEntry.BeginTemporaryMask(ref thread, maskValue);
        }

        long result = PlainCall.Checked(Gate.Call(ref thread, number, a0, a1, a2, a3, a4, a5));
        if (masked)
        {
            SignalEntry.EndTemporaryMask(ref thread, result);
        }

        return result;
    }

    /// <summary>Copies an optional timespec and an optional mask of the size that Linux wants.</summary>
    private static bool TryTimeAndMask(
        ref Thread thread,
        ref SharedBuffer buffer,
        ulong timeAddress,
        ulong maskAddress,
        ulong maskSize,
        out int timeOffset,
        out ulong time,
        out ulong mask,
        out ulong maskValue,
        out long error)
    {
        time = 0;
        mask = 0;
        maskValue = 0;
        timeOffset = 0;
        error = -Errno.EFAULT;
        if (timeAddress != 0
            && !(buffer.TryReserve(TimeBytes, out timeOffset, out time) && buffer.TryFillFromUser(ref thread, timeOffset, timeAddress, TimeBytes)))
        {
            return false;
        }

        if (maskAddress != 0)
        {
            if (maskSize != MaskBytes)
            {
                error = -Errno.EINVAL;
                return false;
            }

            return UserMemory.TryRead(ref thread, maskAddress, out maskValue) && buffer.TryPut(maskValue, out mask);
        }

        return true;
    }

    /// <summary>Writes the revents of each entry; descriptors and events stay the program's.</summary>
    private static bool WriteEvents(ref Thread thread, ref SharedBuffer buffer, int offset, ulong address, int count)
    {
        const int Batch = 64;
        Span<byte> theirs = stackalloc byte[Batch * PollEntry];
        Span<byte> mine = stackalloc byte[Batch * PollEntry];
        for (int first = 0; first < count; first += Batch)
        {
            int entries = Math.Min(Batch, count - first);
            ulong at = address + (ulong)(first * PollEntry);
            buffer.CopyOut(offset + (first * PollEntry), theirs[..(entries * PollEntry)]);
            if (!UserMemory.TryRead(ref thread, at, mine[..(entries * PollEntry)]))
            {
                return false;
            }

            for (int i = 0; i < entries; i++)
            {
                theirs.Slice((i * PollEntry) + 6, 2).CopyTo(mine[((i * PollEntry) + 6)..]);
            }

            if (!UserMemory.TryWrite(ref thread, at, mine[..(entries * PollEntry)]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Writes a set: no descriptor that was not asked for.</summary>
    private static bool WriteSet(ref Thread thread, ref SharedBuffer buffer, int offset, ulong address, int bytes)
    {
        for (int i = 0; i < bytes; i += 8)
        {
            if (!UserMemory.TryRead(ref thread, address + (ulong)i, out ulong asked)
                || !UserMemory.TryWrite(ref thread, address + (ulong)i, buffer.Take<ulong>(offset + i) & asked))
            {
                return false;
            }
        }

        return true;
    }
}
