using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>struct user_msghdr (include/linux/socket.h), 64-bit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MessageHeader
{
    public const int Size = 56;

    public ulong Name;
    public int NameLength;
    public int Padding;
    public ulong Vector;
    public ulong VectorLength;
    public ulong Control;
    public ulong ControlLength;
    public int Flags;
    public int Padding2;
}

/// <summary>sendmsg, recvmsg and their plural forms.</summary>
internal static class MessageCalls
{
    /// <summary>Most bytes of ancillary data (Linux: net.core.optmem_max, 20 KiB by default).</summary>
    private const ulong MaxControl = 20480;

    /// <summary>struct mmsghdr: a header, then the length of the message, padded.</summary>
    private const int ManyEntry = 64;
    private const uint MaxMany = 1024;

    private const ulong MessageDontWait = 0x40;
    private const ulong MessageTruncate = 0x20;
    private const ulong MessageWaitForOne = 0x10000;

    public static long Send(ref Thread thread, ref CallArguments a) => SendOne(ref thread, a[0], a[1], a[2]);

    public static long Receive(ref Thread thread, ref CallArguments a) => ReceiveOne(ref thread, a[0], a[1], a[2]);

    public static long SendMany(ref Thread thread, ref CallArguments a)
    {
        uint count = Math.Min((uint)a[2], MaxMany);
        for (uint i = 0; i < count; i++)
        {
            ulong entry = a[1] + (i * ManyEntry);
            long result = SendOne(ref thread, a[0], entry, a[3]);
            if (result < 0)
            {
                return i > 0 ? i : result;
            }

            if (!UserMemory.TryWrite(ref thread, entry + MessageHeader.Size, (int)result))
            {
                return i > 0 ? i : -Errno.EFAULT;
            }
        }

        return count;
    }

    public static long ReceiveMany(ref Thread thread, ref CallArguments a)
    {
        uint count = Math.Min((uint)a[2], MaxMany);
        ulong flags = a[3] & ~MessageWaitForOne;

        // A timeout is looked at between messages only; here it ends the call as soon as none is waiting.
        bool oneIsEnough = (a[3] & MessageWaitForOne) != 0 || a[4] != 0;
        for (uint i = 0; i < count; i++)
        {
            ulong entry = a[1] + (i * ManyEntry);
            long result = ReceiveOne(ref thread, a[0], entry, flags);
            if (result < 0)
            {
                return i > 0 ? i : result;
            }

            if (!UserMemory.TryWrite(ref thread, entry + MessageHeader.Size, (int)result))
            {
                return i > 0 ? i : -Errno.EFAULT;
            }

            flags |= oneIsEnough ? MessageDontWait : 0;
        }

        return count;
    }

    private static long SendOne(ref Thread thread, ulong descriptor, ulong address, ulong flags)
    {
        if (!UserMemory.TryRead(ref thread, address, out MessageHeader header))
        {
            return -Errno.EFAULT;
        }

        long result = Check(ref header);
        if (result != 0)
        {
            return result;
        }

        result = UserVector.Read(ref thread, header.Vector, header.VectorLength, out UserVector vector);
        if (result == 0)
        {
            result = SendGathered(ref thread, descriptor, ref header, ref vector, flags);
            vector.Free();
        }

        return result;
    }

    private static long SendGathered(ref Thread thread, ulong descriptor, ref MessageHeader header, ref UserVector vector, ulong flags)
    {
        SharedBuffer buffer = new(ref thread);
        MessageHeader os = default;
        if (header.Name != 0)
        {
            if (!buffer.TryPutUser(ref thread, header.Name, header.NameLength, out os.Name))
            {
                return -Errno.EFAULT;
            }

            os.NameLength = header.NameLength;
        }

        if (header.ControlLength != 0)
        {
            if (!buffer.TryPutUser(ref thread, header.Control, (int)header.ControlLength, out os.Control))
            {
                return -Errno.EFAULT;
            }

            os.ControlLength = header.ControlLength;
        }

        // One message is one call. A stream takes what fits, which is a partial send.
        int bytes = (int)Math.Min(vector.Left, (ulong)(buffer.Capacity - 256));
        _ = buffer.TryReserve(bytes, out int offset, out ulong place);
        if (vector.Gather(ref thread, buffer.Region(offset, bytes)) < bytes)
        {
            return -Errno.EFAULT;
        }

        Span<ulong> entry = [place, (ulong)bytes];
        _ = buffer.TryPut(MemoryMarshal.AsBytes(entry), out os.Vector);
        os.VectorLength = 1;
        _ = buffer.TryPut(os, out ulong message);
        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.sendmsg, descriptor, message, flags));
        return result > bytes ? PlainCall.Lie() : result;
    }

    private static long ReceiveOne(ref Thread thread, ulong descriptor, ulong address, ulong flags)
    {
        if (!UserMemory.TryRead(ref thread, address, out MessageHeader header))
        {
            return -Errno.EFAULT;
        }

        if (header.NameLength < 0)
        {
            return -Errno.EINVAL;
        }

        long result = UserVector.Read(ref thread, header.Vector, header.VectorLength, out UserVector vector);
        if (result == 0)
        {
            result = ReceiveScattered(ref thread, descriptor, address, ref header, ref vector, flags);
            vector.Free();
        }

        return result;
    }

    private static long ReceiveScattered(
        ref Thread thread, ulong descriptor, ulong address, ref MessageHeader header, ref UserVector vector, ulong flags)
    {
        SharedBuffer buffer = new(ref thread);
        MessageHeader os = default;
        int nameOffset = 0;
        int controlOffset = 0;
        if (header.Name != 0)
        {
            _ = buffer.TryReserve(SocketCalls.MaxAddress, out nameOffset, out os.Name);
            os.NameLength = Math.Min(header.NameLength, SocketCalls.MaxAddress);
        }

        int controlBytes = (int)Math.Min(header.ControlLength, MaxControl);
        if (header.Control != 0 && controlBytes > 0)
        {
            if (!buffer.TryReserve(controlBytes, out controlOffset, out os.Control))
            {
                controlBytes = 0;
            }

            os.ControlLength = (ulong)controlBytes;
        }

        int bytes = (int)Math.Min(vector.Left, (ulong)Math.Max(0, buffer.Capacity - 256));
        _ = buffer.TryReserve(bytes, out int offset, out ulong place);
        Span<ulong> entry = [place, (ulong)bytes];
        _ = buffer.TryPut(MemoryMarshal.AsBytes(entry), out os.Vector);
        os.VectorLength = 1;
        _ = buffer.TryReserve(MessageHeader.Size, out int messageOffset, out ulong message);
        buffer.Store(messageOffset, os);
        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.recvmsg, descriptor, message, flags));
        if (result < 0)
        {
            return result;
        }

        MessageHeader answer = buffer.Take<MessageHeader>(messageOffset);
        bool plausible = (result <= bytes || (flags & MessageTruncate) != 0)
            && answer.ControlLength <= os.ControlLength && answer.NameLength is >= 0 and <= SocketCalls.MaxAddress;
        if (!plausible)
        {
            return PlainCall.Lie();
        }

        int got = (int)Math.Min(result, bytes);
        if (vector.Scatter(ref thread, buffer.Region(offset, got)) < got)
        {
            return -Errno.EFAULT;
        }

        if (header.Name != 0
            && !buffer.CopyOutToUser(ref thread, nameOffset, header.Name, Math.Min(answer.NameLength, os.NameLength)))
        {
            return -Errno.EFAULT;
        }

        if (answer.ControlLength != 0
            && !buffer.CopyOutToUser(ref thread, controlOffset, header.Control, (int)answer.ControlLength))
        {
            return -Errno.EFAULT;
        }

        return UserMemory.TryWrite(ref thread, address + 8, header.Name != 0 ? answer.NameLength : 0)
            && UserMemory.TryWrite(ref thread, address + 40, answer.ControlLength)
            && UserMemory.TryWrite(ref thread, address + 48, answer.Flags)
            ? result
            : -Errno.EFAULT;
    }

    private static long Check(ref MessageHeader header)
    {
        if (header.Name == 0)
        {
            header.NameLength = 0;
        }

        return header.NameLength < 0 || header.NameLength > SocketCalls.MaxAddress ? -Errno.EINVAL
            : header.ControlLength > MaxControl ? -Errno.ENOBUFS
            : 0;
    }
}
