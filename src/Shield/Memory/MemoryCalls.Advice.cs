namespace BlackBox.Shield;

/// <summary>madvise (mm/madvise.c).</summary>
internal static partial class MemoryCalls
{
    private const ulong AdviceNormal = 0;
    private const ulong AdviceRandom = 1;
    private const ulong AdviceSequential = 2;
    private const ulong AdviceWillNeed = 3;
    private const ulong AdviceDontNeed = 4;
    private const ulong AdviceFree = 8;
    private const ulong AdviceRemove = 9;
    private const ulong AdviceDontFork = 10;
    private const ulong AdviceDoFork = 11;
    private const ulong AdviceMergeable = 12;
    private const ulong AdviceUnmergeable = 13;
    private const ulong AdviceHugePage = 14;
    private const ulong AdviceNoHugePage = 15;
    private const ulong AdviceDontDump = 16;
    private const ulong AdviceDoDump = 17;
    private const ulong AdviceWipeOnFork = 18;
    private const ulong AdviceKeepOnFork = 19;
    private const ulong AdviceCold = 20;
    private const ulong AdvicePageOut = 21;
    private const ulong AdvicePopulateRead = 22;
    private const ulong AdvicePopulateWrite = 23;
    private const ulong AdviceDontNeedLocked = 24;
    private const ulong AdviceCollapse = 25;
    private const ulong AdviceHardwarePoison = 100;
    private const ulong AdviceSoftOffline = 101;

    /// <summary>madvise(address, length, advice).</summary>
    public static long Madvise(ref Thread thread, ref CallArguments a)
    {
        ulong start = UserLayout.Untag(a[0]);
        ulong advice = a[2];
        if (advice is not (<= AdviceDontNeed or (>= AdviceFree and <= AdviceCollapse) or AdviceHardwarePoison or AdviceSoftOffline))
            return -Errno.EINVAL;
        if (!UserLayout.IsAligned(start))
            return -Errno.EINVAL;
        ulong length = UserLayout.PageCeiling(a[1]);
        if (a[1] != 0 && length == 0)
            return -Errno.EINVAL;
        ulong end = unchecked(start + length);
        if (end < start)
            return -Errno.EINVAL;
        if (end == start)
            return 0;
        if (advice is AdviceHardwarePoison or AdviceSoftOffline)
            return -Errno.EPERM;
        if (!Frames.Reserve(ref thread, WorkFrames))
            return -Errno.ENOMEM;
        return advice switch
        {
            AdvicePopulateRead => PopulateAdvised(ref thread, start, end, UserAccess.Read),
            AdvicePopulateWrite => PopulateAdvised(ref thread, start, end, UserAccess.Write),
            _ => AdviseAreas(AddressSpaces.Of(ref thread), start, end, advice),
        };
    }

    private static long PopulateAdvised(ref Thread thread, ulong start, ulong end, UserAccess access)
    {
        if (end > UserLayout.Top)
            return -Errno.ENOMEM;
        return Populate(ref thread, start, end, access);
    }

    /// <summary>Area by area; holes are passed over and reported at the end, an area that refuses ends it.</summary>
    private static long AdviseAreas(Handle<AddressSpace> handle, ulong start, ulong end, ulong advice)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        long holes = 0;
        ulong at = start;
        while (at < end)
        {
            int index = space.Areas.Find(at);
            if (index == 0 || Areas.At(index).Start >= end)
                return -Errno.ENOMEM;
            if (Areas.At(index).Start > at)
            {
                holes = -Errno.ENOMEM;
                at = Areas.At(index).Start;
            }
            ulong stop = Areas.At(index).End < end ? Areas.At(index).End : end;
            long result = AdviseArea(handle, ref space, ref Areas.At(index), at, stop, advice);
            if (result < 0)
                return result;
            at = stop;
        }
        return holes;
    }

    private static long AdviseArea(Handle<AddressSpace> handle, ref AddressSpace space, ref Area area, ulong start, ulong end, ulong advice)
    {
        bool locked = (area.Flags & AreaFlags.Locked) != 0;
        switch (advice)
        {
            case AdviceDontNeed when !locked:
            case AdviceDontNeedLocked:
                if (!SharedTables.TryOwnBorders(ref space, AddressSpaces.Asid(handle), start, end))
                    return -Errno.ENOMEM;
                Unmapping.RemovePages(ref space, AddressSpaces.Asid(handle), start, end);
                return 0;
            case AdviceFree when !locked && area.IsAnonymous:
                // Linux may drop the pages at any time from now on; here it does so at once.
                if (!SharedTables.TryOwnBorders(ref space, AddressSpaces.Asid(handle), start, end))
                    return -Errno.ENOMEM;
                Unmapping.RemovePages(ref space, AddressSpaces.Asid(handle), start, end);
                return 0;
            case AdviceRemove:
                if (locked || area.IsAnonymous || Pool<MemoryObject>.Get(area.Object).Kind != ObjectKind.Shared)
                    return -Errno.EINVAL;
                if (!area.IsShared || (area.Protection & Protection.Write) == 0)
                    return -Errno.EACCES;
                MemoryObjects.Punch(area.Object, area.PageAt(start), area.PageAt(end));
                return 0;
            case AdviceWipeOnFork when !area.IsAnonymous:
            case AdviceDontNeed:
            case AdviceFree:
                return -Errno.EINVAL;
            case AdviceCold:
            case AdvicePageOut:
                return locked ? -Errno.EINVAL : 0;
            case AdviceWillNeed:
            case AdviceCollapse:
                return 0;
        }
        AdviceFlags(advice, out AreaFlags set, out AreaFlags clear);
        return Changing.SetFlags(handle, start, end, set, clear);
    }

    private static void AdviceFlags(ulong advice, out AreaFlags set, out AreaFlags clear)
    {
        (set, clear) = advice switch
        {
            AdviceNormal => (AreaFlags.None, AreaFlags.Random | AreaFlags.Sequential),
            AdviceRandom => (AreaFlags.Random, AreaFlags.Sequential),
            AdviceSequential => (AreaFlags.Sequential, AreaFlags.Random),
            AdviceDontFork => (AreaFlags.DontFork, AreaFlags.None),
            AdviceDoFork => (AreaFlags.None, AreaFlags.DontFork),
            AdviceMergeable => (AreaFlags.Mergeable, AreaFlags.None),
            AdviceUnmergeable => (AreaFlags.None, AreaFlags.Mergeable),
            AdviceHugePage => (AreaFlags.HugePage, AreaFlags.NoHugePage),
            AdviceNoHugePage => (AreaFlags.NoHugePage, AreaFlags.HugePage),
            AdviceDontDump => (AreaFlags.DontDump, AreaFlags.None),
            AdviceDoDump => (AreaFlags.None, AreaFlags.DontDump),
            AdviceWipeOnFork => (AreaFlags.WipeOnFork, AreaFlags.None),
            AdviceKeepOnFork => (AreaFlags.None, AreaFlags.WipeOnFork),
            _ => (AreaFlags.None, AreaFlags.None),
        };
    }
}
