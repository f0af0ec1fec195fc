using System;

namespace BlackBox.Shield;

/// <summary>sendto, recvfrom, sendmsg, recvmsg and kin: forwarded for sockets to the outside, channels inside; descriptors are recorded.</summary>
internal static class MessageDescriptors
{
    private const ulong OutOfBand = 1;
    private const ulong WaitAll = 0x100;
    private const ulong ErrorQueue = 0x2000;
    private const ulong DontWait = 0x40;
    private const ulong CloseOnExec = 0x4000_0000;
    private const ulong WaitForOne = 0x1_0000;
    private const uint MaxMany = 1024;
    private const int ManyEntry = 64;
    private const int MaxSendControl = 20480;

    // struct user_msghdr.
    private const ulong NameLengthAt = 8;
    private const ulong ControlAt = 32;
    private const ulong ControlLengthAt = 40;
    private const ulong FlagsAt = 48;

    private const ulong LevelSocket = 1;
    private const ulong ReceiveTimeoutOld = 20;
    private const ulong SendTimeoutOld = 21;
    private const ulong PeekOffset = 42;
    private const ulong ReceiveTimeoutNew = 66;
    private const ulong SendTimeoutNew = 67;

    public static long SendTo(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                return SocketCalls.SendTo(ref thread, ref a);
            default:
                UserBytes bytes = UserBytes.Range(a[1], a[2]);
                MessageControl control = new() { Flags = a[3] };
                return Descriptors.Done(file, Send(ref thread, a[0], file, ref bytes, a[4] != 0, ref control));
        }
    }

    public static long ReceiveFrom(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                return SocketCalls.ReceiveFrom(ref thread, ref a);
            default:
                UserBytes bytes = UserBytes.Range(a[1], a[2]);
                MessageControl control = new() { Flags = a[3] };
                long result = Receive(ref thread, a[0], file, ref bytes, ref control, default);
                PassedFiles.Free(control.Files);

                // The peer of a pair has no name.
                if (result >= 0 && a[4] != 0 && !UserMemory.TryWrite(ref thread, a[5], 0))
                {
                    result = -Errno.EFAULT;
                }

                return Descriptors.Done(file, result);
        }
    }

    public static long SendMessage(ref Thread thread, ref CallArguments a)
    {
        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                return MessageCalls.Send(ref thread, ref a);
            default:
                return Descriptors.Done(file, SendOne(ref thread, a[0], file, a[1], a[2]));
        }
    }

    public static long SendMany(ref Thread thread, ref CallArguments a)
    {
        OpenFileKind kind = Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file);
        if (kind <= OpenFileKind.Clear)
        {
            return kind == OpenFileKind.None ? -Errno.EBADF : MessageCalls.SendMany(ref thread, ref a);
        }

        uint count = Math.Min((uint)a[2], MaxMany);
        uint done = 0;
        long result = 0;
        for (; done < count && result >= 0; done++)
        {
            ulong entry = a[1] + (done * ManyEntry);
            result = SendOne(ref thread, a[0], file, entry, a[3]);
            if (result >= 0 && !UserMemory.TryWrite(ref thread, entry + MessageHeader.Size, (int)result))
            {
                result = -Errno.EFAULT;
            }

            if (result < 0)
            {
                break;
            }
        }

        return Descriptors.Done(file, done > 0 ? done : result);
    }

    public static long ReceiveMessage(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        switch (Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file))
        {
            case OpenFileKind.None:
                return -Errno.EBADF;
            case OpenFileKind.Clear:
                long result = MessageCalls.Receive(ref thread, ref a);
                return result < 0 ? result : ArriveFromOutside(ref thread, a[1], a[2], result);
            default:
                return Descriptors.Done(file, ReceiveOne(ref thread, a[0], file, a[1], a[2]));
        }
    }

    public static long ReceiveMany(ref Thread thread, ref CallArguments a)
    {
        OpenFileKind kind = Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file);
        if (kind == OpenFileKind.None)
        {
            return -Errno.EBADF;
        }

        uint count = Math.Min((uint)a[2], MaxMany);
        if (kind == OpenFileKind.Clear)
        {
            long got = MessageCalls.ReceiveMany(ref thread, ref a);
            for (uint i = 0; i < got; i++)
            {
                _ = ArriveFromOutside(ref thread, a[1] + (i * ManyEntry), a[3], 0);
            }

            return got;
        }

        ulong flags = a[3] & ~WaitForOne;
        uint done = 0;
        long result = 0;
        while (done < count)
        {
            ulong entry = a[1] + (done * ManyEntry);
            result = ReceiveOne(ref thread, a[0], file, entry, flags);
            if (result >= 0 && !UserMemory.TryWrite(ref thread, entry + MessageHeader.Size, (int)result))
            {
                result = -Errno.EFAULT;
            }

            if (result < 0)
            {
                break;
            }

            done++;
            flags |= (a[3] & WaitForOne) != 0 || a[4] != 0 ? DontWait : 0;
        }

        return Descriptors.Done(file, done > 0 ? done : result);
    }

    /// <summary>setsockopt: Linux's ends of a channel never block, so the times that the program wants to wait at most are kept here.</summary>
    public static long SetOption(ref Thread thread, ref CallArguments a)
    {
        OpenFileKind kind = Descriptors.Use(ref thread, a[0], out Handle<OpenFile> file);
        if (kind <= OpenFileKind.Clear)
        {
            return kind == OpenFileKind.None ? -Errno.EBADF : SocketCalls.SetOption(ref thread, ref a);
        }

        if (kind == OpenFileKind.Channel && a[1] == LevelSocket && a[2] == PeekOffset)
        {
            return Descriptors.Done(file, -Errno.EOPNOTSUPP);
        }

        long result = SocketCalls.SetOption(ref thread, ref a);
        if (result == 0 && a[1] == LevelSocket && a[2] is ReceiveTimeoutOld or SendTimeoutOld or ReceiveTimeoutNew or SendTimeoutNew
            && UserMemory.TryRead(ref thread, a[3], out ulong seconds) && UserMemory.TryRead(ref thread, a[3] + 8, out ulong microseconds))
        {
            const ulong Longest = 1UL << 32;
            ulong time = (Math.Min(seconds, Longest) * 1_000_000_000) + (Math.Min(microseconds, 999_999) * 1000);
            ref OpenFile end = ref Pool<OpenFile>.Get(file);
            if (a[2] is ReceiveTimeoutOld or ReceiveTimeoutNew)
            {
                end.ReceiveTimeout = time;
            }
            else
            {
                end.SendTimeout = time;
            }
        }

        return Descriptors.Done(file, result);
    }

    /// <summary>connect and bind: a pair is connected and stays so; nobody else gets at it by a name.</summary>
    public static long Connect(ref Thread thread, ref CallArguments a) => Name(ref thread, Sys.connect, ref a, -Errno.EISCONN);

    public static long Bind(ref Thread thread, ref CallArguments a) => Name(ref thread, Sys.bind, ref a, -Errno.EINVAL);

    private static long Name(ref Thread thread, Sys number, ref CallArguments a, long refused) =>
        Descriptors.Kind(ref thread, a[0], out _) switch
        {
            OpenFileKind.None => -Errno.EBADF,
            OpenFileKind.Clear => Forwarder.Forward(ref thread, number, ref a, CallTable.Get((uint)number)),
            OpenFileKind.Channel => refused,
            _ => -Errno.ENOTSOCK,
        };

    private static bool IsSocket(Handle<OpenFile> file)
    {
        ref OpenFile end = ref Pool<OpenFile>.Get(file);
        return end.Kind == OpenFileKind.Channel && !end.Incoming.IsNull && Pool<Channel>.Get(end.Incoming).Kind != ChannelKind.Pipe;
    }

    private static long Send(ref Thread thread, ulong descriptor, Handle<OpenFile> file, ref UserBytes from, bool named, ref MessageControl control)
    {
        long error = !IsSocket(file) ? -Errno.ENOTSOCK
            : (control.Flags & OutOfBand) != 0 ? -Errno.EOPNOTSUPP
            : named ? -Errno.EISCONN
            : 0;
        if (error < 0)
        {
            PassedFiles.Free(control.Files);
            return error;
        }

        bool dontWait = (control.Flags & DontWait) != 0;
        return ChannelWrites.Send(ref thread, descriptor, file, ref from, dontWait, ref control);
    }

    private static long Receive(
        ref Thread thread, ulong descriptor, Handle<OpenFile> file, ref UserBytes to, ref MessageControl control, Span<byte> ancillary)
    {
        if (!IsSocket(file))
        {
            return -Errno.ENOTSOCK;
        }

        if ((control.Flags & (OutOfBand | ErrorQueue)) != 0)
        {
            return (control.Flags & OutOfBand) != 0 ? -Errno.EOPNOTSUPP : -Errno.EAGAIN;
        }

        ulong flags = control.Flags;
        control.Flags = flags & (ChannelTokens.Peek | ChannelTokens.Truncate);
        return ChannelReads.Receive(ref thread, descriptor, file, ref to, (flags & DontWait) != 0, (flags & WaitAll) != 0, ref control, ancillary);
    }

    private static long SendOne(ref Thread thread, ulong descriptor, Handle<OpenFile> file, ulong address, ulong flags)
    {
        if (!UserMemory.TryRead(ref thread, address, out MessageHeader header))
        {
            return -Errno.EFAULT;
        }

        if (header.ControlLength > MaxSendControl)
        {
            return -Errno.ENOBUFS;
        }

        MessageControl control = new() { Flags = flags, Address = header.Control, Length = (int)header.ControlLength };
        long result = PassedDescriptors.Collect(ref thread, header.Control, control.Length, out control.Files);
        if (result == 0)
        {
            result = UserBytes.Vector(ref thread, header.Vector, header.VectorLength, out UserBytes bytes);
            if (result < 0)
            {
                PassedFiles.Free(control.Files);
                return result;
            }

            result = Send(ref thread, descriptor, file, ref bytes, header.Name != 0 && header.NameLength != 0, ref control);
            bytes.Free();
        }

        return result;
    }

    private static long ReceiveOne(ref Thread thread, ulong descriptor, Handle<OpenFile> file, ulong address, ulong flags)
    {
        if (!UserMemory.TryRead(ref thread, address, out MessageHeader header))
        {
            return -Errno.EFAULT;
        }

        long result = UserBytes.Vector(ref thread, header.Vector, header.VectorLength, out UserBytes bytes);
        if (result < 0)
        {
            return result;
        }

        Span<byte> ancillary = stackalloc byte[ChannelTokens.MaxControl];
        MessageControl control = new()
        {
            Flags = flags,
            Wanted = true,
            Length = header.Control == 0 ? 0 : (int)Math.Min(header.ControlLength, ChannelTokens.MaxControl),
        };
        result = Receive(ref thread, descriptor, file, ref bytes, ref control, ancillary);
        bytes.Free();
        if (result >= 0)
        {
            long error = PassedDescriptors.Arrive(ref thread, ancillary[..control.Written], control.Files, clear: false, (flags & CloseOnExec) != 0);
            bool written = (control.Written == 0 || UserMemory.TryWrite(ref thread, header.Control, ancillary[..control.Written]))
                && UserMemory.TryWrite(ref thread, address + NameLengthAt, 0)
                && UserMemory.TryWrite(ref thread, address + ControlLengthAt, (ulong)control.Written)
                && UserMemory.TryWrite(ref thread, address + FlagsAt, control.ResultFlags);
            result = error < 0 ? error : written ? result : -Errno.EFAULT;
        }

        PassedFiles.Free(control.Files);
        return result;
    }

    /// <summary>Descriptors that came through a socket from outside: the numbers stand in the program's memory already.</summary>
    private static long ArriveFromOutside(ref Thread thread, ulong address, ulong flags, long result)
    {
        if (!UserMemory.TryRead(ref thread, address + ControlAt, out ulong control) || !UserMemory.TryRead(ref thread, address + ControlLengthAt, out ulong length)
            || control == 0 || length == 0)
        {
            return result;
        }

        Span<byte> ancillary = stackalloc byte[ChannelTokens.MaxControl];
        ancillary = ancillary[..(int)Math.Min(length, (ulong)ancillary.Length)];
        if (!UserMemory.TryRead(ref thread, control, ancillary))
        {
            return result;
        }

        long error = PassedDescriptors.Arrive(ref thread, ancillary, default, clear: true, (flags & CloseOnExec) != 0);
        return error < 0 ? error : result;
    }
}
