using System;

namespace BlackBox.Shield;

/// <summary>
/// Bytes between the program and the pages of an object: protected files (page cache) and shared memory objects. Copying may fault
/// pages in and so drop the kernel lock: the page that is being copied has a user of its own meanwhile.
/// </summary>
internal static class ObjectTransfer
{
    /// <summary>Frames that one page of a write may take.</summary>
    private const int WorkFrames = 8;

    /// <summary>Reads from a position on. Returns bytes, 0 at the end, or -errno if there was an error before the first byte.</summary>
    public static long Read(ref Thread thread, Handle<MemoryObject> handle, ulong position, ref UserBytes to)
    {
        ulong done = 0;
        while (to.Left > 0)
        {
            ulong at = position + done;
            int step = StepAt(handle, at, to.Left);
            if (step == 0)
            {
                break;
            }

            long error = TryPin(ref thread, handle, at >> UserLayout.PageShift, out FrameAddress frame);
            if (error < 0)
            {
                return done > 0 ? (long)done : error;
            }

            int copied = to.Scatter(ref thread, Frames.Bytes(frame).Slice((int)(at & UserLayout.PageMask), step));
            SharedFrames.Release(frame);
            done += (ulong)copied;
            if (copied < step)
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }
        }

        return (long)done;
    }

    /// <summary>Reads into the shield's own memory; for what is passed on to the OS. Returns bytes, or -errno.</summary>
    public static long Read(ref Thread thread, Handle<MemoryObject> handle, ulong position, Span<byte> to)
    {
        int done = 0;
        while (done < to.Length)
        {
            ulong at = position + (ulong)done;
            int step = StepAt(handle, at, (ulong)(to.Length - done));
            if (step == 0)
            {
                break;
            }

            long error = TryPin(ref thread, handle, at >> UserLayout.PageShift, out FrameAddress frame);
            if (error < 0)
            {
                return done > 0 ? done : error;
            }

            Frames.Bytes(frame).Slice((int)(at & UserLayout.PageMask), step).CopyTo(to[done..]);
            SharedFrames.Release(frame);
            done += step;
        }

        return done;
    }

    /// <summary>Writes to a shared object, enlarging it. Returns bytes, or -EFAULT, -EPERM (seals), -EFBIG, -ENOMEM before the first byte.</summary>
    public static long Write(ref Thread thread, Handle<MemoryObject> handle, ulong position, ref UserBytes from)
    {
        ulong done = 0;
        while (from.Left > 0)
        {
            ulong at = position + done;
            int inPage = (int)(at & UserLayout.PageMask);
            int step = (int)Math.Min(from.Left, (ulong)(FrameAddress.Size - inPage));
            long error = Frames.Reserve(ref thread, WorkFrames) ? MayWrite(handle, at, step) : -Errno.ENOMEM;
            if (error < 0)
            {
                return done > 0 ? (long)done : error;
            }

            // The page is made before the size covers it: it has to exist for the copy, and its rest is zeros.
            if (!TryPage(handle, at >> UserLayout.PageShift, out FrameAddress frame))
            {
                return done > 0 ? (long)done : -Errno.ENOMEM;
            }

            SharedFrames.Add(frame);
            int copied = from.Gather(ref thread, Frames.Bytes(frame).Slice(inPage, step));
            SharedFrames.Release(frame);
            ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
            ObjectPages.SetFlags(ref target, at >> UserLayout.PageShift, 0, ObjectPages.Published);
            done += (ulong)copied;
            target.Size = Math.Max(target.Size, at + (ulong)copied);
            if (copied < step)
            {
                return done > 0 ? (long)done : -Errno.EFAULT;
            }
        }

        return (long)done;
    }

    private static long MayWrite(Handle<MemoryObject> handle, ulong at, int bytes)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        const ulong Limit = ObjectPages.Limit << UserLayout.PageShift;
        if (at >= Limit || (ulong)bytes > Limit - at)
        {
            return -Errno.EFBIG;
        }

        return (target.Seals & (SharedObjects.SealWrite | SharedObjects.SealFutureWrite)) != 0
            || (at + (ulong)bytes > target.Size && (target.Seals & SharedObjects.SealGrow) != 0)
            ? -Errno.EPERM
            : 0;
    }

    private static bool TryPage(Handle<MemoryObject> handle, ulong page, out FrameAddress frame)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        ulong entry = ObjectPages.Get(ref target, page);
        frame = ObjectPages.Frame(entry);
        if (entry != 0)
        {
            return true;
        }

        if (!Frames.TryAllocate(out frame))
        {
            return false;
        }

        if (ObjectPages.TryAdd(ref target, page, frame))
        {
            return true;
        }

        Frames.Free(frame);
        return false;
    }

    /// <summary>Bytes from a position to the end of its page or of the object.</summary>
    private static int StepAt(Handle<MemoryObject> handle, ulong at, ulong wanted)
    {
        ulong size = Pool<MemoryObject>.Get(handle).Size;
        if (at >= size)
        {
            return 0;
        }

        ulong inPage = UserLayout.PageBytes - (at & UserLayout.PageMask);
        return (int)Math.Min(Math.Min(size - at, inPage), wanted);
    }

    /// <summary>The frame of a page with a user more, read in if need be; absent pages of shared objects are zeros.</summary>
    private static long TryPin(ref Thread thread, Handle<MemoryObject> handle, ulong page, out FrameAddress frame)
    {
        frame = default;

        // A page that was read in may be dropped again before it is looked up, but not for ever.
        const int Attempts = 16;
        for (int i = 0; i < Attempts; i++)
        {
            ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
            ulong entry = ObjectPages.Get(ref target, page);
            if (entry != 0)
            {
                frame = ObjectPages.Frame(entry);
                SharedFrames.Add(frame);
                return 0;
            }

            if (target.Kind == ObjectKind.Shared)
            {
                frame = SharedFrames.Zero;
                return frame.IsNull ? -Errno.ENOMEM : 0;
            }

            long result = PageCache.Fill(ref thread, handle, page);
            if (result < 0)
            {
                return result;
            }
        }

        return -Errno.EIO;
    }
}
