using System;

namespace BlackBox.Shield;

/// <summary>Reading and writing a shared object by offset: what read(2) and write(2) do on a memfd. Nothing here calls the OS.</summary>
internal static class SharedObjects
{
    /// <summary>F_SEAL_ bits of fcntl(F_ADD_SEALS).</summary>
    public const uint SealSeal = 0x1;

    /// <summary>No smaller.</summary>
    public const uint SealShrink = 0x2;

    /// <summary>No larger.</summary>
    public const uint SealGrow = 0x4;

    /// <summary>No stores at all.</summary>
    public const uint SealWrite = 0x8;

    /// <summary>No new way to store.</summary>
    public const uint SealFutureWrite = 0x10;

    private const uint KnownSeals = SealSeal | SealShrink | SealGrow | SealWrite | SealFutureWrite;

    /// <summary>Copies bytes from an offset on; returns how many, fewer than asked for at the end.</summary>
    public static int Read(Handle<MemoryObject> handle, ulong offset, Span<byte> to)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        if (offset >= target.Size)
            return 0;
        int total = (int)Math.Min((ulong)to.Length, target.Size - offset);
        int done = 0;
        while (done < total)
        {
            ulong at = offset + (ulong)done;
            int inPage = (int)(at & UserLayout.PageMask);
            int step = Math.Min(total - done, FrameAddress.Size - inPage);
            ulong entry = ObjectPages.Get(ref target, at >> UserLayout.PageShift);
            Span<byte> piece = to.Slice(done, step);
            if (entry == 0)
                piece.Clear();
            else
                Frames.Bytes(ObjectPages.Frame(entry)).Slice(inPage, step).CopyTo(piece);
            done += step;
        }
        return total;
    }

    /// <summary>
    /// Copies bytes to an offset, enlarging the object. Returns how many (fewer when frames run out: reserve and go on), or -EPERM for a seal,
    /// -EFBIG, -ENOMEM.
    /// </summary>
    public static long Write(Handle<MemoryObject> handle, ulong offset, ReadOnlySpan<byte> from)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        const ulong limit = ObjectPages.Limit << UserLayout.PageShift;
        if (offset >= limit || (ulong)from.Length > limit - offset)
            return -Errno.EFBIG;
        ulong end = offset + (ulong)from.Length;
        if ((target.Seals & (SealWrite | SealFutureWrite)) != 0 || (end > target.Size && (target.Seals & SealGrow) != 0))
            return -Errno.EPERM;
        ulong before = target.Size;
        if (end > before)
            target.Size = end;
        int done = 0;
        while (done < from.Length)
        {
            ulong at = offset + (ulong)done;
            int inPage = (int)(at & UserLayout.PageMask);
            int step = Math.Min(from.Length - done, FrameAddress.Size - inPage);
            FrameAddress frame = MemoryObjects.SharedPage(handle, at >> UserLayout.PageShift, out _);
            if (frame.IsNull)
                break;
            from.Slice(done, step).CopyTo(Frames.Bytes(frame)[inPage..]);
            ObjectPages.SetFlags(ref target, at >> UserLayout.PageShift, 0, ObjectPages.Published);
            done += step;
        }
        target.Size = Math.Max(before, offset + (ulong)done);
        return done == 0 && from.Length > 0 ? -Errno.ENOMEM : done;
    }

    /// <summary>ftruncate: 0, -EPERM for a seal, -EFBIG.</summary>
    public static long Truncate(Handle<MemoryObject> handle, ulong size)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        if (size > ObjectPages.Limit << UserLayout.PageShift)
            return -Errno.EFBIG;
        if ((size < target.Size && (target.Seals & SealShrink) != 0) || (size > target.Size && (target.Seals & SealGrow) != 0))
            return -Errno.EPERM;
        MemoryObjects.Resize(handle, size);
        return 0;
    }

    /// <summary>F_ADD_SEALS (mm/memfd.c): 0, -EPERM, -EINVAL, -EBUSY while a shared mapping can store and SealWrite is asked for.</summary>
    public static long AddSeals(Handle<MemoryObject> handle, uint seals)
    {
        ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
        if ((seals & ~KnownSeals) != 0)
            return -Errno.EINVAL;
        if ((target.Seals & SealSeal) != 0)
            return -Errno.EPERM;
        if ((seals & SealWrite) != 0 && (target.Seals & SealWrite) == 0)
        {
            for (int index = target.FirstMapping; index != 0; index = Areas.At(index).ObjectNext)
            {
                ref Area area = ref Areas.At(index);
                if (area.IsShared && (area.Maximum & Protection.Write) != 0)
                    return -Errno.EBUSY;
            }
        }
        target.Seals |= seals;
        return 0;
    }
}
