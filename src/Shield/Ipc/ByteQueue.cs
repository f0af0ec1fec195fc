using System;

namespace BlackBox.Shield;

/// <summary>A frame of bytes in a queue.</summary>
internal struct QueueBlock
{
    public Handle<QueueBlock> Next;
    public Handle<QueueBlock> Previous;
    public FrameAddress Frame;

    /// <summary>Bytes [Start, End) of the frame are in the queue.</summary>
    public int Start;
    public int End;

    public readonly int Length => End - Start;
}

/// <summary>Bytes in order, in private memory. No method but the two that name the program's memory calls the OS.</summary>
internal struct ByteQueue
{
    private Handle<QueueBlock> first;
    private Handle<QueueBlock> last;

    public long Bytes { get; private set; }

    /// <summary>Adds bytes of the program at the end; fewer than asked for: a fault, the end of the bytes, or no memory. May call the OS.</summary>
    public int Gather(ref Thread thread, ref UserBytes from, int bytes)
    {
        int done = 0;
        while (done < bytes)
        {
            if (!TryRoom(out Handle<QueueBlock> handle))
            {
                break;
            }

            // The queue is the caller's alone, so the block stays while a page of the program comes in.
            ref QueueBlock block = ref Pool<QueueBlock>.Get(handle);
            int step = Math.Min(bytes - done, FrameAddress.Size - block.End);
            int copied = from.Gather(ref thread, Frames.Bytes(block.Frame).Slice(block.End, step));
            block.End += copied;
            Bytes += copied;
            done += copied;
            if (copied < step)
            {
                break;
            }
        }

        return done;
    }

    /// <summary>Hands the bytes to the program and frees them, all of them even after a fault. Returns the bytes copied. May call the OS.</summary>
    public int Scatter(ref Thread thread, ref UserBytes to)
    {
        int done = 0;
        bool fault = false;
        while (!first.IsNull)
        {
            ref QueueBlock block = ref Pool<QueueBlock>.Get(first);
            if (!fault)
            {
                int copied = to.Scatter(ref thread, Frames.Bytes(block.Frame).Slice(block.Start, block.Length));
                done += copied;
                fault = copied < block.Length;
            }

            RemoveFirst();
        }

        return done;
    }

    /// <summary>Adds all bytes of another queue at the end; that one is empty afterwards. Small pieces share a frame.</summary>
    public void Append(ref ByteQueue other)
    {
        while (!other.first.IsNull)
        {
            Handle<QueueBlock> handle = other.first;
            ref QueueBlock block = ref Pool<QueueBlock>.Get(handle);
            if (!last.IsNull && FrameAddress.Size - Pool<QueueBlock>.Get(last).End >= block.Length)
            {
                ref QueueBlock tail = ref Pool<QueueBlock>.Get(last);
                Frames.Bytes(block.Frame).Slice(block.Start, block.Length).CopyTo(Frames.Bytes(tail.Frame)[tail.End..]);
                tail.End += block.Length;
                Bytes += block.Length;
                other.RemoveFirst();
                continue;
            }

            other.first = block.Next;
            other.Bytes -= block.Length;
            Bytes += block.Length;
            block.Next = default;
            block.Previous = last;
            if (last.IsNull)
            {
                first = handle;
            }
            else
            {
                Pool<QueueBlock>.Get(last).Next = handle;
            }

            last = handle;
        }

        other.last = default;
    }

    /// <summary>
    /// Takes bytes from the front. Whole blocks move, the rest is copied to <paramref name="spare"/>, which the caller got before
    /// (<see cref="TryMakeBlock"/>); it is used or freed here.
    /// </summary>
    public ByteQueue Take(long bytes, Handle<QueueBlock> spare)
    {
        ByteQueue taken = default;
        while (bytes > 0 && !first.IsNull && Pool<QueueBlock>.Get(first).Length <= bytes)
        {
            Handle<QueueBlock> handle = first;
            ref QueueBlock block = ref Pool<QueueBlock>.Get(handle);
            first = block.Next;
            if (first.IsNull)
            {
                last = default;
            }
            else
            {
                Pool<QueueBlock>.Get(first).Previous = default;
            }

            Bytes -= block.Length;
            bytes -= block.Length;
            block.Next = default;
            taken.Link(handle);
        }

        if (bytes > 0 && !first.IsNull)
        {
            ref QueueBlock head = ref Pool<QueueBlock>.Get(first);
            ref QueueBlock part = ref Pool<QueueBlock>.Get(spare);
            Frames.Bytes(head.Frame).Slice(head.Start, (int)bytes).CopyTo(Frames.Bytes(part.Frame));
            part.End = (int)bytes;
            head.Start += (int)bytes;
            Bytes -= bytes;
            taken.Link(spare);
        }
        else
        {
            FreeBlock(spare);
        }

        return taken;
    }

    /// <summary>A copy of the first bytes. False: no memory.</summary>
    public readonly bool TryCopy(long bytes, out ByteQueue copy)
    {
        copy = default;
        for (Handle<QueueBlock> handle = first; bytes > 0 && !handle.IsNull; handle = Pool<QueueBlock>.Get(handle).Next)
        {
            if (!TryMakeBlock(out Handle<QueueBlock> made))
            {
                copy.Clear();
                return false;
            }

            ref QueueBlock from = ref Pool<QueueBlock>.Get(handle);
            ref QueueBlock to = ref Pool<QueueBlock>.Get(made);
            to.End = (int)Math.Min(bytes, from.Length);
            Frames.Bytes(from.Frame).Slice(from.Start, to.End).CopyTo(Frames.Bytes(to.Frame));
            bytes -= to.End;
            copy.Link(made);
        }

        return true;
    }

    /// <summary>Cuts bytes off the end.</summary>
    public void Trim(long bytes)
    {
        while (bytes > 0 && !last.IsNull)
        {
            ref QueueBlock tail = ref Pool<QueueBlock>.Get(last);
            int step = (int)Math.Min(bytes, tail.Length);
            tail.End -= step;
            Bytes -= step;
            bytes -= step;
            if (tail.Length > 0)
            {
                break;
            }

            Handle<QueueBlock> gone = last;
            last = tail.Previous;
            if (last.IsNull)
            {
                first = default;
            }
            else
            {
                Pool<QueueBlock>.Get(last).Next = default;
            }

            FreeBlock(gone);
        }
    }

    public void Clear()
    {
        while (!first.IsNull)
        {
            RemoveFirst();
        }
    }

    /// <summary>An empty block with its frame. False: no memory.</summary>
    public static bool TryMakeBlock(out Handle<QueueBlock> made)
    {
        made = default;
        if (!Frames.TryAllocate(out FrameAddress frame))
        {
            return false;
        }

        if (!Pool<QueueBlock>.TryAdd(out made))
        {
            Frames.Free(frame);
            return false;
        }

        Pool<QueueBlock>.Get(made).Frame = frame;
        return true;
    }

    public static void FreeBlock(Handle<QueueBlock> block)
    {
        Frames.Free(Pool<QueueBlock>.Get(block).Frame);
        Pool<QueueBlock>.Free(block);
    }

    /// <summary>The last block if it has room, else a new one.</summary>
    private bool TryRoom(out Handle<QueueBlock> handle)
    {
        handle = last;
        if (!last.IsNull && Pool<QueueBlock>.Get(last).End < FrameAddress.Size)
        {
            return true;
        }

        if (!TryMakeBlock(out handle))
        {
            return false;
        }

        Link(handle);
        return true;
    }

    private void Link(Handle<QueueBlock> handle)
    {
        ref QueueBlock block = ref Pool<QueueBlock>.Get(handle);
        block.Previous = last;
        if (last.IsNull)
        {
            first = handle;
        }
        else
        {
            Pool<QueueBlock>.Get(last).Next = handle;
        }

        last = handle;
        Bytes += block.Length;
    }

    private void RemoveFirst()
    {
        Handle<QueueBlock> gone = first;
        ref QueueBlock block = ref Pool<QueueBlock>.Get(gone);
        first = block.Next;
        Bytes -= block.Length;
        if (first.IsNull)
        {
            last = default;
        }
        else
        {
            Pool<QueueBlock>.Get(first).Previous = default;
        }

        FreeBlock(gone);
    }
}
