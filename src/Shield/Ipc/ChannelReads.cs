using System;

namespace BlackBox.Shield;

/// <summary>Bytes out of a pipe or stream socket to the program.</summary>
internal static class ChannelReads
{
    /// <summary>read and readv. The caller holds a reference of the end.</summary>
    public static long Read(ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes to, bool dontWait)
    {
        // Nothing to read into: no message is taken either (sock_read_iter).
        if (to.Left == 0)
        {
            return 0;
        }

        MessageControl control = default;
        long result = Receive(ref thread, descriptor, end, ref to, dontWait, waitAll: false, ref control, default);
        PassedFiles.Free(control.Files);
        return result;
    }

    /// <summary>
    /// Any kind of channel. Flags in <paramref name="control"/>: MSG_PEEK, MSG_TRUNC. Ancillary data comes into <paramref name="ancillary"/>;
    /// files that came with it are the caller's.
    /// </summary>
    public static long Receive(
        ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes to, bool dontWait, bool waitAll, ref MessageControl control, Span<byte> ancillary)
    {
        Handle<Channel> channel = Pool<OpenFile>.Get(end).Incoming;
        return Pool<Channel>.Get(channel).Kind == ChannelKind.Messages
            ? ChannelMessages.Receive(ref thread, descriptor, end, ref to, dontWait, ref control, ancillary)
            : Stream(ref thread, descriptor, end, ref to, dontWait, waitAll, ref control, ancillary);
    }

    private static long Stream(
        ref Thread thread, ulong descriptor, Handle<OpenFile> end, ref UserBytes to, bool dontWait, bool waitAll, ref MessageControl control, Span<byte> ancillary)
    {
        bool peek = (control.Flags & ChannelTokens.Peek) != 0;
        control.Flags &= ChannelTokens.Peek;
        long done = 0;
        bool waited = false;
        while (to.Left > 0)
        {
            int piece = (int)Math.Min(to.Left, (ulong)ChannelTokens.Piece(ref thread));
            Handle<Channel> channel = Pool<OpenFile>.Get(end).Incoming;
            bool mayWait = !dontWait && (done == 0 || (waitAll && !peek)) && (Pool<OpenFile>.Get(end).Flags & OpenFlags.NonBlock) == 0;

            // Without a byte in the queue Linux has no token: it is asked to wait at once, which also ends when the writers are gone.
            long result = -Errno.EAGAIN;
            ByteQueue taken = default;
            if (!mayWait || waited || Pool<Channel>.Get(channel).Queue.Bytes != 0)
            {
                result = Pull(ref thread, descriptor, channel, piece, peek, ref control, ancillary, out taken);
            }

            waited = false;
            if (result == -Errno.EAGAIN && mayWait)
            {
                result = Channels.Wait(ref thread, descriptor, end, writer: false);
                if (result == 0 && Channels.StillIs(ref thread, descriptor, end))
                {
                    waited = true;
                    continue;
                }

                result = result == 0 ? -Errno.EBADF : result;
            }

            if (result <= 0)
            {
                return done > 0 ? done : result;
            }

            int copied = taken.Scatter(ref thread, ref to);
            done += copied;
            if (copied < result)
            {
                return done > 0 ? done : -Errno.EFAULT;
            }

            // Ancillary data belongs to the bytes before; a full piece may have more behind it.
            if (peek || control.Written > 0 || (result < piece && !waitAll))
            {
                break;
            }

            control.Wanted = false;
        }

        return done;
    }

    /// <summary>One piece: tokens from Linux, then as many bytes from the queue. Returns how many, 0 at the end, or -errno.</summary>
    private static long Pull(
        ref Thread thread, ulong descriptor, Handle<Channel> handle, int bytes, bool peek, ref MessageControl control, Span<byte> ancillary, out ByteQueue taken)
    {
        taken = default;

        // A copy takes as many frames as the bytes stand in, at worst one per block.
        if (!Frames.Reserve(ref thread, peek ? (bytes / FrameAddress.Size * 2) + 4 : 4) || !ByteQueue.TryMakeBlock(out Handle<QueueBlock> spare))
        {
            return thread.Dying ? -Errno.Dying : -Errno.ENOMEM;
        }

        long result = Channels.Enter(ref thread, handle, descriptor, writer: false);
        if (result < 0)
        {
            ByteQueue.FreeBlock(spare);
            return result;
        }

        ref Channel channel = ref Pool<Channel>.Get(handle);
        result = ChannelTokens.Take(ref thread, descriptor, channel.Kind == ChannelKind.Pipe, bytes, ref control, ancillary);
        if (result == -Errno.Dying && !peek)
        {
            channel.UncertainHead = Math.Min(bytes, channel.Queue.Bytes);
        }

        // More than was asked for or than was ever put in; an end while bytes are left that Linux had taken.
        bool lie = result > bytes || result > channel.Queue.Bytes
            || (result == 0 && channel.Queue.Bytes > 0 && !channel.Writing && channel.UncertainTail == 0);
        if (lie)
        {
            result = Channels.Break(handle);
        }

        if (result <= 0 || peek)
        {
            ByteQueue.FreeBlock(spare);
            if (result > 0 && !channel.Queue.TryCopy(result, out taken))
            {
                result = -Errno.ENOMEM;
            }
        }
        else
        {
            taken = channel.Queue.Take(result, spare);
            channel.Taken += (ulong)result;
        }

        Marks(ref channel, result, peek, ref control);
        Channels.Leave(handle, writer: false);
        return result;
    }

    /// <summary>Files that travel with the bytes just taken: the first ones are for the caller, and Linux hands over at most one set at a time.</summary>
    private static void Marks(ref Channel channel, long bytes, bool peek, ref MessageControl control)
    {
        if (bytes <= 0 || channel.FirstMark.IsNull)
        {
            return;
        }

        if (peek)
        {
            ref Message first = ref Pool<Message>.Get(channel.FirstMark);
            control.Files = first.Number < channel.Taken + (ulong)bytes ? ChannelMessages.CopyFiles(first.Files) : default;
            return;
        }

        while (!channel.FirstMark.IsNull && Pool<Message>.Get(channel.FirstMark).Number < channel.Taken)
        {
            Message mark = Channels.RemoveFirst(ref channel.FirstMark, ref channel.LastMark);
            if (control.Files.IsNull)
            {
                control.Files = mark.Files;
            }
            else
            {
                PassedFiles.Free(mark.Files);
            }
        }
    }
}
