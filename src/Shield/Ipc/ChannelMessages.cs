using System;

namespace BlackBox.Shield;

/// <summary>
/// Messages of datagram and sequenced-packet socketpairs. The token that Linux carries has the message's length and begins with its
/// number: a message that the OS drops, doubles or moves is noticed.
/// </summary>
internal static class ChannelMessages
{
    private const int WorkFrames = 4;

    /// <summary>Sends one message, whole or not at all.</summary>
    public static long Send(ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes from, bool dontWait, ref MessageControl control)
    {
        Handle<Channel> channel = Pool<OpenFile>.Get(end).Outgoing;
        if (from.Left > (ulong)ChannelTokens.MaxMessage(ref thread))
        {
            return -Errno.EMSGSIZE;
        }

        int bytes = (int)from.Left;
        if (!Frames.Reserve(ref thread, (bytes / FrameAddress.Size) + WorkFrames))
        {
            return -Errno.ENOMEM;
        }

        UserBytes before = from;
        while (true)
        {
            ByteQueue staged = default;
            if (staged.Gather(ref thread, ref from, bytes) < bytes)
            {
                staged.Clear();
                return -Errno.EFAULT;
            }

            long result = Push(ref thread, descriptor, channel, ref staged, bytes, ref control);
            if (result != -Errno.EAGAIN || dontWait || (Pool<OpenFile>.Get(end).Flags & OpenFlags.NonBlock) != 0)
            {
                return result;
            }

            result = Channels.Wait(ref thread, descriptor, end, writer: true);
            if (result < 0 || !Channels.StillIs(ref thread, descriptor, end))
            {
                return result < 0 ? result : -Errno.EBADF;
            }

            from = before;
        }
    }

    /// <summary>Receives one message; what does not fit is lost, as it is with Linux. Returns its length, cut unless MSG_TRUNC asks for all.</summary>
    public static long Receive(
        ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes to, bool dontWait, ref MessageControl control, Span<byte> ancillary)
    {
        bool whole = (control.Flags & ChannelTokens.Truncate) != 0;
        control.Flags &= ChannelTokens.Peek;
        while (true)
        {
            long result = Pull(ref thread, descriptor, Pool<OpenFile>.Get(end).Incoming, ref control, ancillary, out ByteQueue data, out int length);
            if (result == -Errno.EAGAIN && !dontWait && (Pool<OpenFile>.Get(end).Flags & OpenFlags.NonBlock) == 0)
            {
                result = Channels.Wait(ref thread, descriptor, end, writer: false);
                if (result == 0 && Channels.StillIs(ref thread, descriptor, end))
                {
                    continue;
                }

                result = result == 0 ? -Errno.EBADF : result;
            }

            if (result < 0)
            {
                return result;
            }

            int fits = (int)Math.Min((ulong)length, to.Left);
            control.ResultFlags = (control.ResultFlags & ~(int)ChannelTokens.Truncate) | (fits < length ? (int)ChannelTokens.Truncate : 0);
            data.Trim(length - fits);
            return data.Scatter(ref thread, ref to) < fits ? -Errno.EFAULT : whole ? length : fits;
        }
    }

    /// <summary>A second set of references, for MSG_PEEK; null if there is no memory.</summary>
    public static Handle<PassedFiles> CopyFiles(Handle<PassedFiles> files)
    {
        if (files.IsNull || !Pool<PassedFiles>.TryAdd(out Handle<PassedFiles> copy))
        {
            return default;
        }

        ref PassedFiles made = ref Pool<PassedFiles>.Get(copy);
        made = Pool<PassedFiles>.Get(files);
        for (int i = 0; i < made.Count; i++)
        {
            OpenFiles.AddReference(made.Files[i]);
        }

        return copy;
    }

    private static long Push(ref Thread thread, ulong descriptor, Handle<Channel> handle, ref ByteQueue staged, int bytes, ref MessageControl control)
    {
        long result = Channels.Enter(ref thread, handle, descriptor, writer: true);
        if (result < 0 || !Pool<Message>.TryAdd(out Handle<Message> made))
        {
            staged.Clear();
            if (result == 0)
            {
                Channels.Leave(handle, writer: true);
            }

            return result < 0 ? result : -Errno.ENOMEM;
        }

        ref Channel channel = ref Pool<Channel>.Get(handle);
        ref Message message = ref Pool<Message>.Get(made);
        message.Data = staged;
        message.Length = bytes;
        message.Number = ++channel.Sequence;
        message.Files = control.Files;
        Channels.Link(ref channel.FirstMessage, ref channel.LastMessage, made);
        result = ChannelTokens.PutMessage(ref thread, descriptor, message.Number, bytes, ref control);

        // Received already while the sender was on its way back: then Linux must have taken it.
        bool waiting = Pool<Message>.IsLive(made);
        if (result == bytes)
        {
            control.Files = default;
        }
        else if (result == -Errno.Dying)
        {
            control.Files = default;
            if (waiting)
            {
                Pool<Message>.Get(made).Uncertain = true;
            }
        }
        else if (result >= 0 || !waiting)
        {
            control.Files = default;
            result = Channels.Break(handle);
        }
        else
        {
            Pool<Message>.Get(made).Files = default;
            Channels.RemoveLast(ref channel.FirstMessage, ref channel.LastMessage);
        }

        Channels.Leave(handle, writer: true);
        return result;
    }

    private static long Pull(
        ref Thread thread, ulong descriptor, Handle<Channel> handle, ref MessageControl control, Span<byte> ancillary, out ByteQueue data, out int length)
    {
        data = default;
        length = 0;
        bool peek = (control.Flags & ChannelTokens.Peek) != 0;
        long result = Channels.Enter(ref thread, handle, descriptor, writer: false);
        if (result < 0)
        {
            return result;
        }

        ref Channel channel = ref Pool<Channel>.Get(handle);
        result = ChannelTokens.TakeMessage(ref thread, descriptor, ref control, ancillary, out ulong number);
        if (result >= 0)
        {
            result = Match(ref channel, handle, result, number, out bool found);
            if (result >= 0 && found)
            {
                ref Message first = ref Pool<Message>.Get(channel.FirstMessage);
                length = first.Length;
                if (!peek)
                {
                    Message taken = Channels.RemoveFirst(ref channel.FirstMessage, ref channel.LastMessage);
                    data = taken.Data;
                    control.Files = taken.Files;
                }
                else if (first.Data.TryCopy(length, out data))
                {
                    control.Files = CopyFiles(first.Files);
                }
                else
                {
                    result = -Errno.ENOMEM;
                }
            }
        }
        else if (result == -Errno.Dying && !channel.FirstMessage.IsNull && !peek)
        {
            Pool<Message>.Get(channel.FirstMessage).Uncertain = true;
        }

        Channels.Leave(handle, writer: false);
        return result;
    }

    /// <summary>
    /// Brings the message that a token stands for to the front of the list. Those before it are ones that a killed thread left in doubt, or
    /// the OS has lost or moved a message. Nothing found: the end.
    /// </summary>
    private static long Match(ref Channel channel, Handle<Channel> handle, long length, ulong number, out bool found)
    {
        int bytes = (int)Math.Min(length, ChannelTokens.NumberBytes);
        ulong mask = bytes == ChannelTokens.NumberBytes ? ulong.MaxValue : (1UL << (8 * bytes)) - 1;
        found = false;
        while (!channel.FirstMessage.IsNull)
        {
            ref Message first = ref Pool<Message>.Get(channel.FirstMessage);
            if (first.Length == length && ((first.Number ^ number) & mask) == 0)
            {
                found = true;
                return length;
            }

            if (!first.Uncertain)
            {
                // An end (shutdown) while a sender is on its way, whom Linux will refuse.
                bool sending = length == 0 && channel.Writing && channel.FirstMessage.Is(channel.LastMessage);
                return sending ? 0 : Channels.Break(handle);
            }

            Message lost = Channels.RemoveFirst(ref channel.FirstMessage, ref channel.LastMessage);
            lost.Data.Clear();
            PassedFiles.Free(lost.Files);
        }

        return length == 0 ? 0 : Channels.Break(handle);
    }
}
