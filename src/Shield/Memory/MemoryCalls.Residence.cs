using System;

namespace BlackBox.Shield;

/// <summary>msync, mincore and the mlock family (mm/msync.c, mm/mincore.c, mm/mlock.c).</summary>
internal static partial class MemoryCalls
{
    private const ulong SyncAsynchronous = 1;
    private const ulong SyncInvalidate = 2;
    private const ulong SyncSynchronous = 4;

    private const ulong LockOnFault = 1;
    private const ulong LockAllCurrent = 1;
    private const ulong LockAllFuture = 2;
    private const ulong LockAllOnFault = 4;

    /// <summary>Pages that mincore answers in one piece.</summary>
    private const int ResidencePiece = 256;

    /// <summary>msync(address, length, flags).</summary>
    public static long Msync(ref Thread thread, ref CallArguments a)
    {
        ulong start = UserLayout.Untag(a[0]);
        ulong flags = a[2];
        if ((flags & ~(SyncAsynchronous | SyncInvalidate | SyncSynchronous)) != 0
            || !UserLayout.IsAligned(start)
            || (flags & (SyncAsynchronous | SyncSynchronous)) == (SyncAsynchronous | SyncSynchronous))
        {
            return -Errno.EINVAL;
        }
        ulong end = unchecked(start + UserLayout.PageCeiling(a[1]));
        if (end < start)
            return -Errno.ENOMEM;
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        long holes = 0;
        ulong at = start;
        while (at < end)
        {
            ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
            int index = space.Areas.Find(at);
            if (index == 0 || Areas.At(index).Start >= end)
                return -Errno.ENOMEM;
            ref Area area = ref Areas.At(index);
            if (area.Start > at)
            {
                holes = -Errno.ENOMEM;
                at = area.Start;
            }
            if ((flags & SyncInvalidate) != 0 && (area.Flags & AreaFlags.Locked) != 0)
                return -Errno.EBUSY;
            ulong stop = area.End < end ? area.End : end;
            if ((flags & SyncSynchronous) != 0 && area.IsShared)
            {
                // The lock may be dropped in here: what follows looks up again from the address.
                long result = PageCache.Clean(ref thread, area.Object, area.PageAt(at), area.PageAt(stop));
                if (result < 0)
                    return result;
            }
            at = stop;
        }
        return holes;
    }

    /// <summary>mincore(address, length, vector): present in the tables, or in the object that is mapped.</summary>
    public static long Mincore(ref Thread thread, ref CallArguments a)
    {
        ulong start = UserLayout.Untag(a[0]);
        if (!UserLayout.IsAligned(start))
            return -Errno.EINVAL;
        if (!UserMemory.IsRange(start, a[1]))
            return -Errno.ENOMEM;
        ulong pages = (a[1] >> UserLayout.PageShift) + ((a[1] & UserLayout.PageMask) != 0 ? 1UL : 0);
        if (!UserMemory.IsRange(a[2], pages))
            return -Errno.EFAULT;
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        Span<byte> answer = stackalloc byte[ResidencePiece];
        for (ulong done = 0; done < pages;)
        {
            int count = (int)Math.Min(ResidencePiece, pages - done);
            int i = 0;
            for (; i < count; i++)
            {
                if (!IsResident(handle, start + ((done + (ulong)i) << UserLayout.PageShift), out bool present))
                    break;
                answer[i] = present ? (byte)1 : (byte)0;
            }
            if (i > 0 && !UserMemory.TryWrite(ref thread, a[2] + done, answer[..i]))
                return -Errno.EFAULT;
            if (i < count)
                return -Errno.ENOMEM;
            done += (ulong)count;
        }
        return 0;
    }

    /// <summary>mlock(address, length).</summary>
    public static long Mlock(ref Thread thread, ref CallArguments a) => LockRange(ref thread, a[0], a[1], AreaFlags.Locked);

    /// <summary>mlock2(address, length, flags).</summary>
    public static long Mlock2(ref Thread thread, ref CallArguments a)
    {
        if ((a[2] & ~LockOnFault) != 0)
            return -Errno.EINVAL;
        AreaFlags flags = (a[2] & LockOnFault) != 0 ? AreaFlags.Locked | AreaFlags.LockOnFault : AreaFlags.Locked;
        return LockRange(ref thread, a[0], a[1], flags);
    }

    /// <summary>munlock(address, length).</summary>
    public static long Munlock(ref Thread thread, ref CallArguments a)
    {
        if (!TryLockRange(a[0], a[1], out ulong start, out ulong end))
            return -Errno.EINVAL;
        if (!Frames.Reserve(ref thread, WorkFrames))
            return -Errno.ENOMEM;
        return StopAtHole(AddressSpaces.Of(ref thread), start, end, AreaFlags.None, AreaFlags.Locked | AreaFlags.LockOnFault);
    }

    /// <summary>mlockall(flags).</summary>
    public static long Mlockall(ref Thread thread, ref CallArguments a)
    {
        ulong flags = a[0];
        if (flags == 0 || (flags & ~(LockAllCurrent | LockAllFuture | LockAllOnFault)) != 0 || flags == LockAllOnFault)
            return -Errno.EINVAL;
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        if (space.LockLimit == 0)
            return -Errno.EPERM;
        if ((flags & LockAllCurrent) != 0 && space.TotalPages << UserLayout.PageShift > space.LockLimit)
            return -Errno.ENOMEM;
        AreaFlags set = AreaFlags.Locked | ((flags & LockAllOnFault) != 0 ? AreaFlags.LockOnFault : AreaFlags.None);
        space.FutureFlags = (flags & LockAllFuture) != 0 ? set : AreaFlags.None;
        if ((flags & LockAllCurrent) == 0)
            return 0;
        if (!Frames.Reserve(ref thread, WorkFrames))
            return -Errno.ENOMEM;
        LockAll(handle, set, set == AreaFlags.Locked ? AreaFlags.LockOnFault : AreaFlags.None);
        if ((flags & LockAllOnFault) == 0)
            PopulateAll(ref thread, handle);
        return 0;
    }

    /// <summary>munlockall().</summary>
    public static long Munlockall(ref Thread thread, ref CallArguments a)
    {
        if (!Frames.Reserve(ref thread, WorkFrames))
            return -Errno.ENOMEM;
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        Pool<AddressSpace>.Get(handle).FutureFlags = AreaFlags.None;
        LockAll(handle, AreaFlags.None, AreaFlags.Locked | AreaFlags.LockOnFault);
        return 0;
    }

    private static long LockRange(ref Thread thread, ulong address, ulong length, AreaFlags flags)
    {
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        if (Pool<AddressSpace>.Get(handle).LockLimit == 0)
            return -Errno.EPERM;
        if (!TryLockRange(address, length, out ulong start, out ulong end))
            return -Errno.EINVAL;
        if (!Frames.Reserve(ref thread, WorkFrames))
            return -Errno.ENOMEM;
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        ulong locked = space.LockedPages + ((end - start) >> UserLayout.PageShift);
        if (locked > space.LockLimit >> UserLayout.PageShift
            && locked - LockedWithin(ref space, start, end) > space.LockLimit >> UserLayout.PageShift)
        {
            return -Errno.ENOMEM;
        }
        AreaFlags clear = (flags & AreaFlags.LockOnFault) == 0 ? AreaFlags.LockOnFault : AreaFlags.None;
        long result = StopAtHole(handle, start, end, flags, clear);
        if (result < 0 || (flags & AreaFlags.LockOnFault) != 0)
            return result;

        // Linux's errors of populating: a page that cannot be had is ENOMEM or EAGAIN (__mlock_posix_error_return).
        result = Populate(ref thread, start, end, null);
        return result == -Errno.EFAULT ? -Errno.ENOMEM : result == -Errno.ENOMEM ? -Errno.EAGAIN : result;
    }

    /// <summary>Applies to the areas from the start on and ends with -ENOMEM at the first hole (apply_vma_lock_flags).</summary>
    private static long StopAtHole(Handle<AddressSpace> handle, ulong start, ulong end, AreaFlags set, AreaFlags clear)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        ulong at = start;
        while (at < end)
        {
            int index = space.Areas.Find(at);
            if (index == 0 || Areas.At(index).Start > at)
                return -Errno.ENOMEM;
            ulong stop = Math.Min(Areas.At(index).End, end);
            long result = Changing.SetFlags(handle, at, stop, set, clear);
            if (result < 0)
                return result;
            at = stop;
        }
        return 0;
    }

    private static void LockAll(Handle<AddressSpace> handle, AreaFlags set, AreaFlags clear)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        if (space.Areas.Last != 0)
            _ = Changing.SetFlags(handle, Areas.At(space.Areas.First).Start, Areas.At(space.Areas.Last).End, set, clear);
    }

    private static void PopulateAll(ref Thread thread, Handle<AddressSpace> handle)
    {
        ulong at = 0;
        while (!thread.Dying)
        {
            int index = Pool<AddressSpace>.Get(handle).Areas.Find(at);
            if (index == 0)
                return;
            ulong start = Math.Max(at, Areas.At(index).Start);
            at = Areas.At(index).End;
            Populate(ref thread, start, at);
        }
    }

    private static bool TryLockRange(ulong address, ulong length, out ulong start, out ulong end)
    {
        address = UserLayout.Untag(address);
        start = UserLayout.PageFloor(address);
        end = unchecked(start + UserLayout.PageCeiling(length + (address & UserLayout.PageMask)));
        return end >= start;
    }

    private static ulong LockedWithin(ref AddressSpace space, ulong start, ulong end)
    {
        ulong pages = 0;
        for (int index = space.Areas.Find(start); index != 0 && Areas.At(index).Start < end; index = Areas.At(index).Next)
        {
            ref Area area = ref Areas.At(index);
            if ((area.Flags & AreaFlags.Locked) != 0)
                pages += (Math.Min(area.End, end) - Math.Max(area.Start, start)) >> UserLayout.PageShift;
        }
        return pages;
    }

    private static bool IsResident(Handle<AddressSpace> handle, ulong address, out bool present)
    {
        present = false;
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        int index = space.AreaAt(address);
        if (index == 0)
            return false;
        ref Area area = ref Areas.At(index);
        present = PageTables.Read(space.Root, address) != 0
            || (!area.IsAnonymous && ObjectPages.Get(ref Pool<MemoryObject>.Get(area.Object), area.PageAt(address)) != 0);
        return true;
    }
}
