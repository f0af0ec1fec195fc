using System;

namespace BlackBox.Shield;

/// <summary>
/// The memory calls of Linux 6.1, served in the enclave. Here: mmap, munmap, mprotect, brk, mremap. Every handler makes sure at its start,
/// where the lock may be dropped, that frames for its own notes are there; what follows runs under the lock in one piece.
/// </summary>
internal static partial class MemoryCalls
{
    /// <summary>Frames that any of these calls needs for areas and tables.</summary>
    private const int WorkFrames = 16;

    private const ulong ProtectionSemaphore = 8;
    private const ulong ProtectionGrowsDown = 0x0100_0000;
    private const ulong ProtectionGrowsUp = 0x0200_0000;

    /// <summary>munmap(address, length).</summary>
    public static long Munmap(ref Thread thread, ref CallArguments a)
    {
        ulong start = UserLayout.Untag(a[0]);
        ulong length = a[1];
        if (!UserLayout.IsAligned(start) || start > UserLayout.Top || length > UserLayout.Top - start || length == 0)
            return -Errno.EINVAL;
        if (!Frames.Reserve(ref thread, WorkFrames))
            return -Errno.ENOMEM;
        long result = Mapping.Remove(AddressSpaces.Of(ref thread), start, start + UserLayout.PageCeiling(length));
        AfterUnmapping(ref thread);
        return result;
    }

    /// <summary>mprotect(address, length, protection).</summary>
    public static long Mprotect(ref Thread thread, ref CallArguments a)
    {
        ulong start = UserLayout.Untag(a[0]);
        ulong bits = a[2];
        ulong grows = bits & (ProtectionGrowsDown | ProtectionGrowsUp);
        bits &= ~grows;
        if (grows == (ProtectionGrowsDown | ProtectionGrowsUp) || !UserLayout.IsAligned(start))
            return -Errno.EINVAL;
        if (a[1] == 0)
            return 0;
        ulong length = UserLayout.PageCeiling(a[1]);
        ulong end = unchecked(start + length);
        if (end <= start)
            return -Errno.ENOMEM;
        if ((bits & ~((ulong)Protection.All | ProtectionSemaphore)) != 0)
            return -Errno.EINVAL;
        if (start >= UserLayout.Top)
            return -Errno.ENOMEM;
        if (!Frames.Reserve(ref thread, WorkFrames + SharedTables.CountShared(ref Pool<AddressSpace>.Get(AddressSpaces.Of(ref thread)), start, Math.Min(end, UserLayout.Top))))
            return -Errno.ENOMEM;
        if (grows == ProtectionGrowsUp)
            return -Errno.EINVAL;
        return Changing.Protect(
            AddressSpaces.Of(ref thread), start, end, (Protection)bits & Protection.All, grows == ProtectionGrowsDown);
    }

    /// <summary>brk(border): the border that holds then.</summary>
    public static long Brk(ref Thread thread, ref CallArguments a)
    {
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        if (a[0] == 0 || !Frames.Reserve(ref thread, WorkFrames))
            return (long)Pool<AddressSpace>.Get(handle).Heap;
        ulong before = Pool<AddressSpace>.Get(handle).Heap;
        ulong now = Changing.SetHeap(handle, a[0]);
        if (now > before && (Pool<AddressSpace>.Get(handle).FutureFlags & AreaFlags.Locked) != 0)
            Populate(ref thread, UserLayout.PageCeiling(before), UserLayout.PageCeiling(now));
        return (long)now;
    }

    /// <summary>mremap(old address, old length, new length, flags, new address).</summary>
    public static long Mremap(ref Thread thread, ref CallArguments a)
    {
        ulong address = UserLayout.Untag(a[0]);
        if (!Frames.Reserve(ref thread, WorkFrames + Remapping.TableFrames(MappedBytes(ref thread, address, a[1]))))
            return -Errno.ENOMEM;
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        int index = address < UserLayout.Top ? space.AreaAt(address) : 0;
        bool populate = index != 0 && (Areas.At(index).Flags & (AreaFlags.Locked | AreaFlags.LockOnFault)) == AreaFlags.Locked;
        long result = Remapping.Remap(handle, address, a[1], a[2], a[3], a[4]);
        if (result >= 0 && populate && a[2] > a[1])
            Populate(ref thread, (ulong)result + UserLayout.PageCeiling(a[1]), (ulong)result + UserLayout.PageCeiling(a[2]));
        AfterUnmapping(ref thread);
        return result;
    }

    /// <summary>Brings all pages of [start, end) in as the areas there permit, for writing where they may be written; errors end it silently (mm_populate).</summary>
    public static void Populate(ref Thread thread, ulong start, ulong end) => _ = Populate(ref thread, start, end, null);

    /// <summary>
    /// As above; <paramref name="access"/> for MADV_POPULATE_*: the access itself. Returns 0, or what Linux's populate answers: -ENOMEM (hole),
    /// -EFAULT, -EINVAL (not permitted).
    /// </summary>
    private static long Populate(ref Thread thread, ulong start, ulong end, UserAccess? access)
    {
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        for (ulong at = start; at < end; at += UserLayout.PageBytes)
        {
            ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
            int index = space.AreaAt(at);
            if (index == 0)
                return -Errno.ENOMEM;
            ref Area area = ref Areas.At(index);
            UserAccess wanted = access ?? (!area.IsShared && area.Permits(UserAccess.Write) ? UserAccess.Write : UserAccess.Read);
            ulong entry = PageTables.Read(space.Root, at);
            if (entry != 0 && PageTableEntry.Permits(entry, wanted))
                continue;
            if (!area.Permits(wanted))
            {
                if (access is not null)
                    return -Errno.EINVAL;
                at = area.End - UserLayout.PageBytes;
                continue;
            }
            FaultOutcome outcome = MemoryFault.Handle(ref thread, at, wanted);
            if (thread.Dying)
                return -Errno.EINTR;
            if (!outcome.IsResolved)
                return outcome.Signal == 9 ? -Errno.ENOMEM : -Errno.EFAULT;
        }
        return 0;
    }

    /// <summary>Dirty pages of files that nobody maps any more go to the OS now, so that what was stored is in the file.</summary>
    private static void AfterUnmapping(ref Thread thread) => PageCache.CleanAll(ref thread, unmappedOnly: true);

    private static ulong MappedBytes(ref Thread thread, ulong address, ulong length)
    {
        if (address >= UserLayout.Top)
            return 0;
        ref AddressSpace space = ref Pool<AddressSpace>.Get(AddressSpaces.Of(ref thread));
        int index = space.AreaAt(address);
        if (index == 0)
            return 0;
        ulong rest = Areas.At(index).End - address;
        return length < rest ? length : rest;
    }
}
