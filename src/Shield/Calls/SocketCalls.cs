using System;

namespace BlackBox.Shield;

/// <summary>Calls of sockets with addresses and options.</summary>
internal static class SocketCalls
{
    /// <summary>Longest socket address (sockaddr_storage).</summary>
    public const int MaxAddress = 128;

    /// <summary>Longest option value that is carried.</summary>
    private const int MaxOption = 4096;

    private const ulong MessageDontWait = 0x40;
    private const ulong MessagePeek = 2;
    private const ulong MessageTruncate = 0x20;
    private const ulong MessageWaitAll = 0x100;

    private const ulong LevelSocket = 1;
    private const ulong OptionType = 3;
    private const ulong OptionAttachFilter = 26;
    private const ulong OptionAttachReusePort = 51;
    private const ulong OptionZeroCopy = 60;
    private const int TypeStream = 1;

    public static long Accept(ref Thread thread, ref CallArguments a)
    {
        // accept is accept4 without flags; its fourth register is no argument.
        bool flagged = (Sys)thread.Registers.X[8] == Sys.accept4;
        return Named(ref thread, Sys.accept4, a[0], a[1], a[2], flagged ? a[3] : 0);
    }

    public static long GetName(ref Thread thread, ref CallArguments a) =>
        Named(ref thread, (Sys)thread.Registers.X[8], a[0], a[1], a[2], 0, needed: true);

    public static long GetOption(ref Thread thread, ref CallArguments a)
    {
        if (!UserMemory.TryRead(ref thread, a[4], out int length))
        {
            return -Errno.EFAULT;
        }

        if (length < 0)
        {
            return -Errno.EINVAL;
        }

        SharedBuffer buffer = new(ref thread);
        int room = Math.Min(length, MaxOption);
        if (!buffer.TryReserve(room, out int offset, out ulong value)
            || !buffer.TryFillFromUser(ref thread, offset, a[3], room)
            || !buffer.TryReserve(sizeof(int), out int lengthOffset, out ulong lengthPlace))
        {
            return -Errno.EFAULT;
        }

        buffer.Store(lengthOffset, room);
        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.getsockopt, a[0], a[1], a[2], value, lengthPlace));
        if (result < 0)
        {
            return result;
        }

        int written = buffer.Take<int>(lengthOffset);
        return (uint)written > (uint)room ? PlainCall.Lie()
            : buffer.CopyOutToUser(ref thread, offset, a[3], written) && UserMemory.TryWrite(ref thread, a[4], written) ? result
            : -Errno.EFAULT;
    }

    public static long SetOption(ref Thread thread, ref CallArguments a)
    {
        // Options whose value holds addresses, and the one that lets the kernel keep the buffer after the call.
        if (a[1] == LevelSocket && a[2] is OptionAttachFilter or OptionAttachReusePort or OptionZeroCopy)
        {
            return -Errno.ENOPROTOOPT;
        }

        if ((int)a[4] < 0 || a[4] > MaxOption)
        {
            return -Errno.EINVAL;
        }

        SharedBuffer buffer = new(ref thread);
        ulong value = 0;
        return a[3] != 0 && !buffer.TryPutUser(ref thread, a[3], (int)a[4], out value)
            ? -Errno.EFAULT
            : PlainCall.Checked(Gate.Call(ref thread, Sys.setsockopt, a[0], a[1], a[2], value, a[4]));
    }

    public static long SendTo(ref Thread thread, ref CallArguments a)
    {
        ulong left = Math.Min(a[2], UserVector.MaxBytes);
        ulong done = 0;
        while (true)
        {
            SharedBuffer buffer = new(ref thread);
            ulong name = 0;
            if (a[4] != 0)
            {
                if (a[5] > MaxAddress)
                {
                    return -Errno.EINVAL;
                }

                if (!buffer.TryPutUser(ref thread, a[4], (int)a[5], out name))
                {
                    return -Errno.EFAULT;
                }
            }

            int piece = (int)Math.Min(left, (ulong)buffer.Capacity);
            if ((ulong)piece < left && done == 0 && !IsStream(ref thread, a[0]))
            {
                return -Errno.EMSGSIZE;
            }

            buffer = new SharedBuffer(ref thread);
            if (name != 0)
            {
                _ = buffer.TryPutUser(ref thread, a[4], (int)a[5], out name);
            }

            _ = buffer.TryReserve(piece, out int offset, out ulong place);
            int copied = UserMemory.ReadUpTo(ref thread, a[1] + done, buffer.Region(offset, piece));
            if (copied < piece)
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            long result = PlainCall.Checked(Gate.Call(ref thread, Sys.sendto, a[0], place, (ulong)piece, a[3], name, name == 0 ? 0 : a[5]));
            if (result < 0)
            {
                return done > 0 ? (long)done : result;
            }

            if (result > piece)
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

    public static long ReceiveFrom(ref Thread thread, ref CallArguments a)
    {
        int nameRoom = 0;
        if (a[4] != 0)
        {
            if (!UserMemory.TryRead(ref thread, a[5], out nameRoom))
            {
                return -Errno.EFAULT;
            }

            if (nameRoom < 0)
            {
                return -Errno.EINVAL;
            }
        }

        ulong left = Math.Min(a[2], UserVector.MaxBytes);
        ulong flags = a[3];
        ulong done = 0;
        while (true)
        {
            SharedBuffer buffer = new(ref thread);
            _ = buffer.TryReserve(MaxAddress, out int nameOffset, out ulong name);
            _ = buffer.TryReserve(sizeof(int), out int lengthOffset, out ulong nameLength);
            buffer.Store(lengthOffset, Math.Min(nameRoom, MaxAddress));
            int piece = (int)Math.Min(left, (ulong)buffer.Capacity);
            _ = buffer.TryReserve(piece, out int offset, out ulong place);
            bool named = a[4] != 0;
            long result = PlainCall.Checked(
                Gate.Call(ref thread, Sys.recvfrom, a[0], place, (ulong)piece, flags, named ? name : 0, named ? nameLength : 0));
            if (result < 0)
            {
                return done > 0 ? (long)done : result;
            }

            // With MSG_TRUNC the result may be the length of the whole message.
            bool whole = (flags & MessageTruncate) != 0;
            if (result > piece && !whole)
            {
                return PlainCall.Lie();
            }

            int got = (int)Math.Min(result, piece);
            if (!buffer.CopyOutToUser(ref thread, offset, a[1] + done, got))
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }

            if (named && done == 0 && !WriteName(ref thread, ref buffer, nameOffset, lengthOffset, a[4], nameRoom, a[5]))
            {
                return -Errno.EFAULT;
            }

            done += (ulong)got;
            left -= (ulong)got;
            if (got < piece || left == 0 || whole || (flags & MessagePeek) != 0 || !IsStream(ref thread, a[0]))
            {
                return whole && done == (ulong)got ? result : (long)done;
            }

            if ((flags & MessageWaitAll) == 0)
            {
                flags |= MessageDontWait;
            }
        }
    }

    /// <summary>Writes an address and its length to the program as Linux does: cut to the room, with the true length.</summary>
    public static bool WriteName(
        ref Thread thread, ref SharedBuffer buffer, int nameOffset, int lengthOffset, ulong address, int room, ulong lengthAddress)
    {
        int length = buffer.Take<int>(lengthOffset);
        length = length < 0 ? 0 : Math.Min(length, MaxAddress);
        return buffer.CopyOutToUser(ref thread, nameOffset, address, Math.Min(length, room))
            && UserMemory.TryWrite(ref thread, lengthAddress, length);
    }

    private static bool IsStream(ref Thread thread, ulong descriptor)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(sizeof(int), out int offset, out ulong value);
        return buffer.TryPut(sizeof(int), out ulong length)
            && Gate.Call(ref thread, Sys.getsockopt, descriptor, LevelSocket, OptionType, value, length) == 0
            && buffer.Take<int>(offset) == TypeStream;
    }

    /// <summary>accept4, getsockname, getpeername: an address comes out.</summary>
    private static long Named(
        ref Thread thread, Sys number, ulong descriptor, ulong address, ulong lengthAddress, ulong flags, bool needed = false)
    {
        if (address == 0 && !needed)
        {
            return PlainCall.Checked(Gate.Call(ref thread, number, descriptor, 0, 0, flags));
        }

        if (!UserMemory.TryRead(ref thread, lengthAddress, out int room))
        {
            return -Errno.EFAULT;
        }

        if (room < 0)
        {
            return -Errno.EINVAL;
        }

        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(MaxAddress, out int nameOffset, out ulong name);
        _ = buffer.TryReserve(sizeof(int), out int lengthOffset, out ulong length);
        buffer.Store(lengthOffset, Math.Min(room, MaxAddress));
        long result = PlainCall.Checked(Gate.Call(ref thread, number, descriptor, name, length, flags));
        return result < 0 || WriteName(ref thread, ref buffer, nameOffset, lengthOffset, address, room, lengthAddress)
            ? result
            : -Errno.EFAULT;
    }
}
