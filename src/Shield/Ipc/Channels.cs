using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>Life of channels, and the discipline of those who are between queue and Linux.</summary>
internal static class Channels
{
    private const short PollIn = 1;
    private const short PollOut = 4;
    private const short PollInvalid = 0x20;
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    /// <summary>How often a thread yields to the one that is in between before it sleeps.</summary>
    private const int Yields = 64;

    /// <summary>FIONREAD.</summary>
    private const ulong BytesToRead = 0x541B;

    public static bool TryMake(ChannelKind kind, out Handle<Channel> made)
    {
        if (!Pool<Channel>.TryAdd(out made))
        {
            return false;
        }

        Pool<Channel>.Get(made).Kind = kind;
        return true;
    }

    /// <summary>An end of channels; each may be null. False: no memory.</summary>
    public static bool TryMakeEnd(Handle<Channel> incoming, Handle<Channel> outgoing, uint flags, out Handle<OpenFile> end)
    {
        if (!OpenFiles.TryMake(OpenFileKind.Channel, flags, out end))
        {
            return false;
        }

        ref OpenFile file = ref Pool<OpenFile>.Get(end);
        if (!incoming.IsNull)
        {
            file.Incoming = incoming;
            Pool<Channel>.Get(incoming).Readers++;
        }

        if (!outgoing.IsNull)
        {
            file.Outgoing = outgoing;
            Pool<Channel>.Get(outgoing).Writers++;
        }

        return true;
    }

    /// <summary>A further end of a pipe, as opening /dev/fd/N makes it: 0, or -ENXIO for a socket, -ENOMEM.</summary>
    public static long Reopen(Handle<OpenFile> existing, uint flags, out Handle<OpenFile> end)
    {
        end = default;
        ref OpenFile file = ref Pool<OpenFile>.Get(existing);
        Handle<Channel> channel = file.Incoming.IsNull ? file.Outgoing : file.Incoming;
        if (Pool<Channel>.Get(channel).Kind != ChannelKind.Pipe)
        {
            return -Errno.ENXIO;
        }

        bool reads = (flags & OpenFlags.AccessMode) != OpenFlags.WriteOnly;
        bool writes = (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly;
        return TryMakeEnd(reads ? channel : default, writes ? channel : default, flags, out end) ? 0 : -Errno.ENOMEM;
    }

    /// <summary>An end is gone; with the last one all that is left in the channel.</summary>
    public static void Release(Handle<Channel> handle, bool reader)
    {
        ref Channel channel = ref Pool<Channel>.Get(handle);
        channel.Readers -= reader ? 1 : 0;
        channel.Writers -= reader ? 0 : 1;
        if (channel.Readers > 0 || channel.Writers > 0)
        {
            return;
        }

        Channel last = channel;
        Pool<Channel>.Free(handle);
        last.Queue.Clear();
        FreeMessages(last.FirstMark);
        FreeMessages(last.FirstMessage);
    }

    /// <summary>
    /// Waits until nobody is between queue and Linux on this side and what a killed thread left is cleared up. Returns 0, -EIO (broken), or the
    /// gate's answer for a dying thread. On 0 the caller is in between, until <see cref="Leave"/>.
    /// </summary>
    public static long Enter(ref Thread thread, Handle<Channel> handle, ulong descriptor, bool writer)
    {
        for (int round = 0; ; round++)
        {
            ref Channel channel = ref Pool<Channel>.Get(handle);
            if (channel.Broken)
            {
                return -Errno.EIO;
            }

            if (!(writer ? channel.Writing : channel.Reading))
            {
                bool uncertain = channel.UncertainTail != 0 || channel.UncertainHead != 0;
                if (!uncertain)
                {
                    channel.Writing |= writer;
                    channel.Reading |= !writer;
                    return 0;
                }

                // Pipes tell on both ends how much is in them, sockets where it is read.
                if ((!writer || channel.Kind == ChannelKind.Pipe) && !channel.Writing && !channel.Reading)
                {
                    long settled = Settle(ref thread, handle, descriptor);
                    if (settled < 0)
                    {
                        return settled;
                    }

                    continue;
                }
            }

            long error = Pause(ref thread, round);
            if (error < 0)
            {
                return error;
            }
        }
    }

    public static void Leave(Handle<Channel> handle, bool writer)
    {
        ref Channel channel = ref Pool<Channel>.Get(handle);
        channel.Writing &= !writer;
        channel.Reading &= writer;
    }

    /// <summary>The OS has answered what cannot be.</summary>
    public static long Break(Handle<Channel> handle)
    {
        Descriptors.Lies++;
        Pool<Channel>.Get(handle).Broken = true;
        return -Errno.EIO;
    }

    /// <summary>
    /// Blocks until Linux says that the end is ready, with the deadline of the socket. Returns 0 (try again), -EAGAIN (timeout), -EINTR or
    /// -ERESTARTSYS as the signal's action wants, -EBADF (the descriptor is another's by now).
    /// </summary>
    public static long Wait(ref Thread thread, ulong descriptor, Handle<OpenFile> end, bool writer)
    {
        SharedBuffer buffer = new(ref thread);
        Span<byte> entry = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(entry, (int)descriptor);
        BinaryPrimitives.WriteInt16LittleEndian(entry[4..], writer ? PollOut : PollIn);
        BinaryPrimitives.WriteInt16LittleEndian(entry[6..], 0);
        _ = buffer.TryReserve(entry.Length, out int offset, out ulong place);
        buffer.CopyIn(offset, entry);
        ulong timeout = writer ? Pool<OpenFile>.Get(end).SendTimeout : Pool<OpenFile>.Get(end).ReceiveTimeout;
        ulong time = 0;
        if (timeout != 0)
        {
            Span<byte> span = stackalloc byte[16];
            BinaryPrimitives.WriteUInt64LittleEndian(span, timeout / NanosecondsPerSecond);
            BinaryPrimitives.WriteUInt64LittleEndian(span[8..], timeout % NanosecondsPerSecond);
            _ = buffer.TryPut(span, out time);
        }

        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.ppoll, place, 1, time, 0, 0));
        if (result is -Errno.EINTR or -Errno.ERESTARTSYS)
        {
            return Interrupted(ref thread);
        }

        if (result <= 0)
        {
            return result < 0 ? result : -Errno.EAGAIN;
        }

        buffer.CopyOut(offset, entry);
        return (BinaryPrimitives.ReadInt16LittleEndian(entry[6..]) & PollInvalid) != 0 ? -Errno.EBADF : 0;
    }

    /// <summary>Whether the descriptor still names the end after the thread has waited.</summary>
    public static bool StillIs(ref Thread thread, ulong descriptor, Handle<OpenFile> end) =>
        Descriptors.TryFind(ref thread, descriptor, out Handle<OpenFile> now) && now.Is(end);

    /// <summary>Adds a message or mark at the end of a list.</summary>
    public static void Link(ref Handle<Message> first, ref Handle<Message> last, Handle<Message> made)
    {
        if (first.IsNull)
        {
            first = made;
        }
        else
        {
            Pool<Message>.Get(last).Next = made;
        }

        last = made;
    }

    /// <summary>Takes the last message or mark off a list, with all it holds.</summary>
    public static void RemoveLast(ref Handle<Message> first, ref Handle<Message> last)
    {
        Handle<Message> gone = last;
        last = default;
        for (Handle<Message> at = first; !at.Is(gone); at = Pool<Message>.Get(at).Next)
        {
            last = at;
        }

        if (last.IsNull)
        {
            first = default;
        }
        else
        {
            Pool<Message>.Get(last).Next = default;
        }

        FreeMessages(gone);
    }

    /// <summary>Takes the first message or mark off a list and hands it over.</summary>
    public static Message RemoveFirst(ref Handle<Message> first, ref Handle<Message> last)
    {
        Handle<Message> gone = first;
        Message taken = Pool<Message>.Get(gone);
        first = taken.Next;
        if (first.IsNull)
        {
            last = default;
        }

        Pool<Message>.Free(gone);
        taken.Next = default;
        return taken;
    }

    /// <summary>A signal ended a wait: whether the call is made again is what the first signal to be delivered says (SA_RESTART).</summary>
    public static long Interrupted(ref Thread thread)
    {
        ulong pending = SignalEntry.IsPending(ref thread) ? SignalQueue.Pending(ref thread) & ~thread.Signals.Mask : 0;
        if (pending == 0)
        {
            return 0;
        }

        int signal = System.Numerics.BitOperations.TrailingZeroCount(pending) + 1;
        return (SignalEntry.Actions(ref thread).Of(signal).Flags & SignalAction.Restart) != 0 ? -Errno.ERESTARTSYS : -Errno.EINTR;
    }

    /// <summary>
    /// Clears up after a killed thread, while nobody is in between: what Linux holds is what counts. Too much or too little for what is
    /// uncertain is a lie.
    /// </summary>
    private static long Settle(ref Thread thread, Handle<Channel> handle, ulong descriptor)
    {
        ref Channel channel = ref Pool<Channel>.Get(handle);
        channel.Writing = true;
        channel.Reading = true;
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(sizeof(int), out int offset, out ulong place);
        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.ioctl, descriptor, BytesToRead, place));
        channel.Writing = false;
        channel.Reading = false;
        if (result < 0)
        {
            return result;
        }

        long surplus = channel.Queue.Bytes - buffer.Take<int>(offset);
        bool both = channel.UncertainHead != 0 && channel.UncertainTail != 0;
        if (surplus < 0 || surplus > channel.UncertainHead + channel.UncertainTail || (both && surplus != 0))
        {
            return Break(handle);
        }

        if (channel.UncertainTail != 0)
        {
            channel.Queue.Trim(surplus);
            channel.Put -= (ulong)surplus;
            while (!channel.LastMark.IsNull && Pool<Message>.Get(channel.LastMark).Number >= channel.Put)
            {
                RemoveLast(ref channel.FirstMark, ref channel.LastMark);
            }
        }
        else if (surplus > 0)
        {
            if (!ByteQueue.TryMakeBlock(out Handle<QueueBlock> spare))
            {
                return -Errno.ENOMEM;
            }

            ByteQueue lost = channel.Queue.Take(surplus, spare);
            lost.Clear();
            channel.Taken += (ulong)surplus;
        }

        channel.UncertainTail = 0;
        channel.UncertainHead = 0;
        return 0;
    }

    private static long Pause(ref Thread thread, int round)
    {
        long result;
        if (round < Yields)
        {
            result = Gate.Call(ref thread, Sys.sched_yield);
        }
        else
        {
            const ulong Millisecond = 1_000_000;
            SharedBuffer buffer = new(ref thread);
            Span<byte> span = stackalloc byte[16];
            BinaryPrimitives.WriteUInt64LittleEndian(span, 0);
            BinaryPrimitives.WriteUInt64LittleEndian(span[8..], Millisecond);
            _ = buffer.TryPut(span, out ulong time);
            result = Gate.Call(ref thread, Sys.nanosleep, time, 0);
        }

        return result == -Errno.Dying ? result : round < Yields ? 0 : Interrupted(ref thread);
    }

    private static void FreeMessages(Handle<Message> handle)
    {
        while (!handle.IsNull)
        {
            Message gone = Pool<Message>.Get(handle);
            Pool<Message>.Free(handle);
            gone.Data.Clear();
            PassedFiles.Free(gone.Files);
            handle = gone.Next;
        }
    }
}
