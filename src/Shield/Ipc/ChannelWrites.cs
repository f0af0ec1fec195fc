using System;

namespace BlackBox.Shield;

/// <summary>Bytes of the program into a pipe or stream socket.</summary>
internal static class ChannelWrites
{
    /// <summary>Frames beside those for the bytes.</summary>
    private const int WorkFrames = 4;

    /// <summary>write and writev. The caller holds a reference of the end.</summary>
    public static long Write(ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes from, bool dontWait)
    {
        MessageControl control = default;
        return Send(ref thread, descriptor, end, ref from, dontWait, ref control);
    }

    /// <summary>Any kind of channel, with ancillary data. On return the files of <paramref name="control"/> are taken care of.</summary>
    public static long Send(ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes from, bool dontWait, ref MessageControl control)
    {
        Handle<Channel> channel = Pool<OpenFile>.Get(end).Outgoing;
        bool messages = Pool<Channel>.Get(channel).Kind == ChannelKind.Messages;
        long result = messages
            ? ChannelMessages.Send(ref thread, descriptor, end, ref from, dontWait, ref control)
            : Stream(ref thread, descriptor, end, ref from, dontWait, ref control);
        PassedFiles.Free(control.Files);
        control.Files = default;
        return result;
    }

    private static long Stream(ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes from, bool dontWait, ref MessageControl control)
    {
        if (from.Left == 0)
        {
            return 0;
        }

        long done = 0;
        while (true)
        {
            UserBytes before = from;
            int piece = (int)Math.Min(from.Left, (ulong)ChannelTokens.Piece(ref thread));
            if (!Frames.Reserve(ref thread, (piece / FrameAddress.Size) + WorkFrames))
            {
                return done > 0 ? done : -Errno.ENOMEM;
            }

            ByteQueue staged = default;
            int got = staged.Gather(ref thread, ref from, piece);
            if (got == 0)
            {
                staged.Clear();
                return done > 0 ? done : -Errno.EFAULT;
            }

            long taken = Push(ref thread, descriptor, Pool<OpenFile>.Get(end).Outgoing, ref staged, got, ref control);
            if (taken < got)
            {
                // What Linux did not take is gathered again, or not at all.
                from = before;
                from.Skip((int)Math.Max(taken, 0));
            }

            done += Math.Max(taken, 0);
            if (taken < 0)
            {
                if (taken == -Errno.EAGAIN && !dontWait && (Pool<OpenFile>.Get(end).Flags & OpenFlags.NonBlock) == 0)
                {
                    taken = Channels.Wait(ref thread, descriptor, end, writer: true);
                    if (taken == 0 && Channels.StillIs(ref thread, descriptor, end))
                    {
                        continue;
                    }

                    taken = taken == 0 ? -Errno.EBADF : taken;
                }

                return done > 0 ? done : taken;
            }

            if (from.Left == 0 || (taken == got && got < piece))
            {
                return done;
            }
        }
    }

    /// <summary>One piece: into the queue, then as many tokens to Linux; what Linux did not take is cut off again. Returns what it took, or -errno.</summary>
    private static long Push(ref Thread thread, ulong descriptor, Handle<Channel> handle, ref ByteQueue staged, int bytes, ref MessageControl control)
    {
        long error = Channels.Enter(ref thread, handle, descriptor, writer: true);
        if (error < 0)
        {
            staged.Clear();
            return error;
        }

        ref Channel channel = ref Pool<Channel>.Get(handle);
        Handle<Message> mark = default;
        if (!control.Files.IsNull)
        {
            if (!Pool<Message>.TryAdd(out mark))
            {
                staged.Clear();
                Channels.Leave(handle, writer: true);
                return -Errno.ENOMEM;
            }

            Pool<Message>.Get(mark).Number = channel.Put;
            Pool<Message>.Get(mark).Files = control.Files;
            Channels.Link(ref channel.FirstMark, ref channel.LastMark, mark);
        }

        channel.Queue.Append(ref staged);
        channel.Put += (ulong)bytes;
        long result = ChannelTokens.Put(ref thread, descriptor, channel.Kind == ChannelKind.Pipe, bytes, ref control);
        if (result == -Errno.Dying)
        {
            channel.UncertainTail = Math.Min(bytes, channel.Queue.Bytes);
            control.Files = mark.IsNull ? control.Files : default;
            Channels.Leave(handle, writer: true);
            return result;
        }

        long unaccepted = bytes - Math.Max(result, 0);
        if (unaccepted < 0 || unaccepted > channel.Queue.Bytes)
        {
            control.Files = mark.IsNull ? control.Files : default;
            Channels.Leave(handle, writer: true);
            return Channels.Break(handle);
        }

        channel.Queue.Trim(unaccepted);
        channel.Put -= (ulong)unaccepted;
        if (result > 0)
        {
            // The files travel with the first byte, once.
            control.Files = mark.IsNull ? control.Files : default;
            control.Length = 0;
        }
        else if (!mark.IsNull)
        {
            Pool<Message>.Get(mark).Files = default;
            Channels.RemoveLast(ref channel.FirstMark, ref channel.LastMark);
        }

        Channels.Leave(handle, writer: true);
        return result == 0 ? -Errno.EAGAIN : result;
    }
}
