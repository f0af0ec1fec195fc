namespace BlackBox.Shield;

/// <summary>mmap (mm/mmap.c: ksys_mmap_pgoff, do_mmap).</summary>
internal static partial class MemoryCalls
{
    private const ulong MapShared = 0x01;
    private const ulong MapPrivate = 0x02;
    private const ulong MapSharedValidate = 0x03;
    private const ulong MapTypeMask = 0x0F;
    private const ulong MapFixed = 0x10;
    private const ulong MapAnonymous = 0x20;
    private const ulong MapGrowsDown = 0x0100;
    private const ulong MapDenyWrite = 0x0800;
    private const ulong MapExecutable = 0x1000;
    private const ulong MapLocked = 0x2000;
    private const ulong MapNoReserve = 0x4000;
    private const ulong MapPopulate = 0x8000;
    private const ulong MapNonBlock = 0x1_0000;
    private const ulong MapStack = 0x2_0000;
    private const ulong MapHugeTlb = 0x4_0000;
    private const ulong MapFixedNoReplace = 0x10_0000;
    private const int MapHugeShift = 26;
    private const ulong MapHugeMask = 0x3F;

    /// <summary>LEGACY_MAP_MASK: what MAP_SHARED_VALIDATE knows.</summary>
    private const ulong KnownMapFlags = MapShared | MapPrivate | MapFixed | MapAnonymous | MapDenyWrite | MapExecutable | MapGrowsDown
        | MapLocked | MapNoReserve | MapPopulate | MapNonBlock | MapStack | MapHugeTlb | (MapHugeMask << MapHugeShift);

    /// <summary>mmap(address, length, protection, flags, descriptor, offset).</summary>
    public static long Mmap(ref Thread thread, ref CallArguments a)
    {
        ulong flags = a[3];
        ulong offset = a[5];
        if (!UserLayout.IsAligned(offset))
            return -Errno.EINVAL;
        if (!Frames.Reserve(ref thread, WorkFrames))
            return -Errno.ENOMEM;
        MapRequest request = default;
        if ((flags & MapAnonymous) != 0)
        {
            if ((flags & MapHugeTlb) != 0)
                return HugePages(a[1], flags);
            long refused = Prepare(ref thread, ref a, offset, ref request);
            if (refused < 0)
                return refused;
            return MapAnonymousMemory(ref thread, flags, ref request);
        }

        long result = OpenMappable(ref thread, (int)a[4], out MappableFile file);
        if (result < 0)
            return result;

        // Opening may have called the OS, and others may have used up the frames meanwhile.
        if (!Frames.Reserve(ref thread, WorkFrames))
            result = -Errno.ENOMEM;
        else
            result = (flags & MapHugeTlb) != 0 ? -Errno.EINVAL : Prepare(ref thread, ref a, offset, ref request);
        if (result == 0)
            result = MapFile(ref thread, flags, offset, in file, ref request);
        MemoryObjects.Release(file.Object);
        return result;
    }

    /// <summary>The object behind a descriptor: an enclave object (memfd, protected file) if Files knows one, else a clear file.</summary>
    private static long OpenMappable(ref Thread thread, int descriptor, out MappableFile file)
    {
        long known = Descriptors.TryGetObject(ref thread, descriptor, out file);
        return known == 0 ? FileMappings.Open(ref thread, descriptor, out file) : known < 0 ? known : 0;
    }

    /// <summary>What all mappings have in common: sizes, address, flags that become the area's.</summary>
    private static long Prepare(ref Thread thread, ref CallArguments a, ulong offset, ref MapRequest request)
    {
        ulong flags = a[3];
        if (a[1] == 0)
            return -Errno.EINVAL;
        request.Length = UserLayout.PageCeiling(a[1]);
        if (request.Length == 0)
            return -Errno.ENOMEM;
        ulong page = offset >> UserLayout.PageShift;
        if (page + (request.Length >> UserLayout.PageShift) < page)
            return -Errno.EOVERFLOW;
        request.Fixed = (flags & (MapFixed | MapFixedNoReplace)) != 0;
        request.KeepExisting = (flags & MapFixedNoReplace) != 0;
        request.Address = a[0];
        if (!request.Fixed)
        {
            // A hint below the lowest address that may be mapped is raised to it (round_hint_to_min).
            request.Address = UserLayout.PageFloor(a[0]);
            if (request.Address != 0 && request.Address < UserLayout.LowestMapping)
                request.Address = UserLayout.LowestMapping;
        }
        request.Protection = (Protection)a[2] & Protection.All;
        request.Maximum = Protection.All;
        if ((flags & MapGrowsDown) != 0)
            request.Flags |= AreaFlags.GrowsDown;
        if ((flags & MapNoReserve) != 0)
            request.Flags |= AreaFlags.NoReserve;

        ref AddressSpace space = ref Pool<AddressSpace>.Get(AddressSpaces.Of(ref thread));
        if ((flags & MapLocked) != 0)
        {
            if (space.LockLimit == 0)
                return -Errno.EPERM;
            request.Flags |= AreaFlags.Locked;
        }
        if (((request.Flags | space.FutureFlags) & AreaFlags.Locked) != 0
            && (space.LockedPages << UserLayout.PageShift) + request.Length > space.LockLimit)
        {
            return -Errno.EAGAIN;
        }
        return 0;
    }

    private static long MapAnonymousMemory(ref Thread thread, ulong flags, ref MapRequest request)
    {
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        Handle<MemoryObject> memory = default;
        switch (flags & MapTypeMask)
        {
            case MapPrivate:
                break;
            case MapShared when (request.Flags & AreaFlags.GrowsDown) == 0:
                if (!MemoryObjects.TryCreateShared(request.Length, out memory))
                    return -Errno.ENOMEM;
                request.Flags |= AreaFlags.Shared;
                request.Object = memory;
                break;
            default:
                return -Errno.EINVAL;
        }
        long result = MapChecked(ref thread, handle, flags, ref request);
        if (!memory.IsNull)
            MemoryObjects.Release(memory);
        return result;
    }

    private static long MapFile(ref Thread thread, ulong flags, ulong offset, in MappableFile file, ref MapRequest request)
    {
        Handle<AddressSpace> handle = AddressSpaces.Of(ref thread);
        ulong pages = request.Length >> UserLayout.PageShift;
        request.Object = file.Object;
        request.Page = offset >> UserLayout.PageShift;
        if (request.Page + pages > ObjectPages.Limit)
            return -Errno.EOVERFLOW;
        switch (flags & MapTypeMask)
        {
            case MapShared:
            case MapSharedValidate:
                if ((flags & MapTypeMask) == MapSharedValidate && (flags & ~(KnownMapFlags | MapTypeMask | MapFixedNoReplace)) != 0)
                    return -Errno.EOPNOTSUPP;
                if ((request.Protection & Protection.Write) != 0 && (!file.Writable || file.Appending))
                    return -Errno.EACCES;
                request.Flags |= AreaFlags.Shared;
                if (!file.Writable)
                    request.Maximum &= ~Protection.Write;
                break;
            case MapPrivate:
                break;
            default:
                return -Errno.EINVAL;
        }
        if (!file.Readable)
            return -Errno.EACCES;
        if ((request.Flags & AreaFlags.GrowsDown) != 0)
            return -Errno.EINVAL;
        if (!MemoryObjects.SealsPermit(file.Object, ref request))
            return -Errno.EPERM;
        return MapChecked(ref thread, handle, flags, ref request);
    }

    private static long MapChecked(ref Thread thread, Handle<AddressSpace> handle, ulong flags, ref MapRequest request)
    {
        if (!CodePolicy.MayExecute(request.Object, request.Protection))
            return -Errno.EACCES;
        request.Maximum = CodePolicy.Limit(request.Object, request.Protection, request.Maximum);
        long result = Mapping.Map(handle, in request);
        if (result < 0)
            return result;
        AreaFlags locked = (request.Flags | Pool<AddressSpace>.Get(handle).FutureFlags) & (AreaFlags.Locked | AreaFlags.LockOnFault);
        if (locked == AreaFlags.Locked || (flags & (MapPopulate | MapNonBlock)) == MapPopulate)
            Populate(ref thread, (ulong)result, (ulong)result + request.Length);
        if (request.Fixed)
            AfterUnmapping(ref thread);
        return result;
    }

    /// <summary>MAP_HUGETLB: sizes that Linux on Arm64 has (64 KiB, 2 MiB, 32 MiB, 1 GiB) fail for want of a pool, others are unknown.</summary>
    private static long HugePages(ulong length, ulong flags)
    {
        ulong size = (flags >> MapHugeShift) & MapHugeMask;
        if (size is not (0 or 16 or 21 or 25 or 30))
            return -Errno.EINVAL;
        return length == 0 ? -Errno.EINVAL : -Errno.ENOMEM;
    }
}
