namespace BlackBox.Shield;

/// <summary>pipe2 and socketpair: both ends are in the enclave, so the bytes stay there.</summary>
internal static class ChannelCalls
{
    private const ulong FamilyUnix = 1;
    private const uint TypeMask = 0xF;
    private const uint TypeStream = 1;
    private const uint TypeDatagram = 2;
    private const uint TypePacket = 5;

    public static long Pipe(ref Thread thread, ref CallArguments a)
    {
        uint flags = (uint)a[1];
        if ((flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0)
        {
            // Packet mode (O_DIRECT) and notification pipes are not offered: EINVAL, as from kernels without them.
            return -Errno.EINVAL;
        }

        if (!Descriptors.Reserve(ref thread) || !Channels.TryMake(ChannelKind.Pipe, out Handle<Channel> channel))
        {
            return -Errno.ENOMEM;
        }

        uint status = flags & OpenFlags.NonBlock;
        if (!Channels.TryMakeEnd(channel, default, OpenFlags.ReadOnly | status, out Handle<OpenFile> reader))
        {
            Pool<Channel>.Free(channel);
            return -Errno.ENOMEM;
        }

        if (!Channels.TryMakeEnd(default, channel, OpenFlags.WriteOnly | status, out Handle<OpenFile> writer))
        {
            OpenFiles.Release(reader);
            return -Errno.ENOMEM;
        }

        return Finish(ref thread, Sys.pipe2, ref a, flags | OpenFlags.NonBlock, a[0], reader, writer);
    }

    public static long SocketPair(ref Thread thread, ref CallArguments a)
    {
        uint type = (uint)a[1];
        ChannelKind kind = (type & TypeMask) == TypeStream ? ChannelKind.Stream : ChannelKind.Messages;
        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        if (a[0] != FamilyUnix || (type & TypeMask) is not (TypeStream or TypeDatagram or TypePacket))
        {
            return ClearPair(ref thread, ref a);
        }

        if (!Channels.TryMake(kind, out Handle<Channel> one))
        {
            return -Errno.ENOMEM;
        }

        if (!Channels.TryMake(kind, out Handle<Channel> other))
        {
            Pool<Channel>.Free(one);
            return -Errno.ENOMEM;
        }

        uint flags = OpenFlags.ReadWrite | (type & OpenFlags.NonBlock);
        if (!Channels.TryMakeEnd(one, other, flags, out Handle<OpenFile> first))
        {
            Pool<Channel>.Free(one);
            Pool<Channel>.Free(other);
            return -Errno.ENOMEM;
        }

        if (!Channels.TryMakeEnd(other, one, flags, out Handle<OpenFile> second))
        {
            OpenFiles.Release(first);
            return -Errno.ENOMEM;
        }

        return Finish(ref thread, Sys.socketpair, ref a, type | OpenFlags.NonBlock, a[3], first, second);
    }

    /// <summary>Lets Linux make the pair, with ends that never block, and records both numbers.</summary>
    private static long Finish(
        ref Thread thread, Sys number, ref CallArguments a, uint flags, ulong address, Handle<OpenFile> first, Handle<OpenFile> second)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(2 * sizeof(int), out int offset, out ulong place);
        long result = PlainCall.Checked(number == Sys.pipe2
            ? Gate.Call(ref thread, number, place, flags)
            : Gate.Call(ref thread, number, a[0], flags, a[2], place));
        if (result < 0)
        {
            OpenFiles.Release(first);
            OpenFiles.Release(second);
            return result;
        }

        int firstNumber = buffer.Take<int>(offset);
        int secondNumber = buffer.Take<int>(offset + sizeof(int));
        return Record(ref thread, firstNumber, secondNumber, first, second, (flags & OpenFlags.CloseOnExec) != 0, address);
    }

    private static long Record(
        ref Thread thread, int firstNumber, int secondNumber, Handle<OpenFile> first, Handle<OpenFile> second, bool closeOnExec, ulong address)
    {
        // No number at all is as impossible as one that is open.
        long one = Descriptors.Record(ref thread, firstNumber < 0 ? long.MaxValue : firstNumber, first, closeOnExec);
        long two = Descriptors.Record(ref thread, secondNumber < 0 ? long.MaxValue : secondNumber, second, closeOnExec);
        long result = one < 0 ? one : two < 0 ? two : 0;
        if (result == 0)
        {
            ulong pair = (uint)firstNumber | ((ulong)(uint)secondNumber << 32);
            result = UserMemory.TryWrite(ref thread, address, pair) ? 0 : -Errno.EFAULT;
        }

        if (result < 0)
        {
            if (one >= 0)
            {
                Descriptors.Withdraw(ref thread, one);
            }

            if (two >= 0)
            {
                Descriptors.Withdraw(ref thread, two);
            }
        }

        return result;
    }

    private static long ClearPair(ref Thread thread, ref CallArguments a)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(2 * sizeof(int), out int offset, out ulong place);
        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.socketpair, a[0], a[1], a[2], place));
        if (result < 0)
        {
            return result;
        }

        uint flags = OpenFlags.ReadWrite;
        if (!OpenFiles.TryMake(OpenFileKind.Clear, flags, out Handle<OpenFile> first))
        {
            return -Errno.ENOMEM;
        }

        if (!OpenFiles.TryMake(OpenFileKind.Clear, flags, out Handle<OpenFile> second))
        {
            OpenFiles.Release(first);
            return -Errno.ENOMEM;
        }

        return Record(
            ref thread, buffer.Take<int>(offset), buffer.Take<int>(offset + sizeof(int)), first, second, ((uint)a[1] & OpenFlags.CloseOnExec) != 0, a[3]);
    }
}
