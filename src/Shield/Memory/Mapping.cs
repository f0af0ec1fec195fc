namespace BlackBox.Shield;

/// <summary>A mapping to be made.</summary>
internal struct MapRequest
{
    /// <summary>Address wanted: a hint, or the place itself.</summary>
    public ulong Address;

    /// <summary>Bytes, a multiple of the page size, not 0.</summary>
    public ulong Length;

    /// <summary>The address is the place; what is there goes (MAP_FIXED).</summary>
    public bool Fixed;

    /// <summary>With <see cref="Fixed"/>: -EEXIST if anything is there.</summary>
    public bool KeepExisting;

    public Protection Protection;
    public Protection Maximum;
    public AreaFlags Flags;

    /// <summary>Object whose pages are mapped; null for private anonymous memory. The area becomes a user of its own.</summary>
    public Handle<MemoryObject> Object;

    /// <summary>Page of the object at the start.</summary>
    public ulong Page;
}

/// <summary>Makes and removes areas. Nothing here calls the OS.</summary>
internal static class Mapping
{
    /// <summary>Areas that one operation may make.</summary>
    private const int AreasPerOperation = 4;

    /// <summary>
    /// Maps; returns the address or -errno as Linux 6.1 does (mm/mmap.c: do_mmap, get_unmapped_area, mmap_region).
    /// </summary>
    public static long Map(Handle<AddressSpace> handle, in MapRequest request)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        if (space.Areas.Count > UserLayout.MaximumAreas)
            return -Errno.ENOMEM;
        long place = Place(ref space, in request);
        if (place < 0)
            return place;
        ulong start = (ulong)place;
        ulong end = start + request.Length;
        if (request.KeepExisting && space.Areas.Intersects(start, end))
            return -Errno.EEXIST;

        bool isData = (request.Flags & (AreaFlags.Shared | AreaFlags.GrowsDown)) == 0 && (request.Protection & Protection.Write) != 0;
        ulong pages = request.Length >> UserLayout.PageShift;
        if (!space.MayExpand(pages, isData)
            && (!request.Fixed || !space.MayExpand(pages - MappedPages(ref space, start, end), isData)))
        {
            return -Errno.ENOMEM;
        }
        if (!Areas.TryPrepare(AreasPerOperation))
            return -Errno.ENOMEM;
        long removed = Remove(handle, start, end);
        if (removed < 0)
            return removed;

        if (!Areas.TryAdd(out int index))
            return -Errno.ENOMEM;
        ref Area area = ref Areas.At(index);
        area.Start = start;
        area.End = end;
        area.Page = request.Object.IsNull ? start >> UserLayout.PageShift : request.Page;
        area.Protection = request.Protection;
        area.Maximum = request.Maximum;
        area.Flags = request.Flags | space.FutureFlags;
        area.Object = request.Object;
        area.Space = handle;
        MemoryObjects.Attach(index);
        space.Areas.Insert(index);
        space.Count(ref area, (long)pages);
        space.LastArea = AreaOperations.Join(ref space, index);
        return place;
    }

    /// <summary>Address for a mapping: the place asked for, the hint if it is free, the highest hole below the mmap base, or any hole.</summary>
    public static long Place(ref AddressSpace space, in MapRequest request)
    {
        ulong length = request.Length;
        if (length > UserLayout.Top - UserLayout.LowestMapping)
            return -Errno.ENOMEM;
        if (request.Fixed)
        {
            if (request.Address > UserLayout.Top - length)
                return -Errno.ENOMEM;
            if (!UserLayout.IsAligned(request.Address))
                return -Errno.EINVAL;
            return request.Address < UserLayout.LowestMapping ? -Errno.EPERM : (long)request.Address;
        }
        if (request.Address != 0)
        {
            ulong hint = UserLayout.PageCeiling(request.Address);
            if (hint >= UserLayout.LowestMapping && hint <= UserLayout.Top - length && IsFree(ref space, hint, hint + length))
                return (long)hint;
        }
        if (space.Areas.TryFindGap(length, UserLayout.LowestMapping, space.MapBase, out ulong start)
            || space.Areas.TryFindGap(length, UserLayout.LowestMapping, UserLayout.Top, out start))
        {
            return (long)start;
        }
        return -Errno.ENOMEM;
    }

    /// <summary>Removes whatever is mapped in [start, end): pages, areas, and the tables that nothing needs any more. Returns 0 or -ENOMEM.</summary>
    public static long Remove(Handle<AddressSpace> handle, ulong start, ulong end)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        int index = space.Areas.Find(start);
        if (index == 0 || Areas.At(index).Start >= end)
            return 0;
        if (AreaOperations.WouldExceed(ref space, index, start, end)
            || !Areas.TryPrepare(2)
            || !SharedTables.TryOwnBorders(ref space, AddressSpaces.Asid(handle), start, end))
        {
            return -Errno.ENOMEM;
        }
        if (Areas.At(index).Start < start)
            index = AreaOperations.Split(ref space, index, start);
        int last = space.Areas.Find(end - 1);
        if (last != 0 && Areas.At(last).Start < end && Areas.At(last).End > end)
            _ = AreaOperations.Split(ref space, last, end);

        ushort asid = AddressSpaces.Asid(handle);
        ulong floor = Areas.At(index).Previous is int previous and not 0 ? Areas.At(previous).End : 0;
        ulong first = Areas.At(index).Start;
        ulong after = first;
        ulong ceiling = UserLayout.Top;
        for (int i = index; i != 0; i = Areas.At(i).Next)
        {
            if (Areas.At(i).Start >= end)
            {
                ceiling = Areas.At(i).Start;
                break;
            }
            after = Areas.At(i).End;
        }
        Unmapping.RemovePages(ref space, asid, first, after);
        while (index != 0 && Areas.At(index).Start < end)
        {
            int next = Areas.At(index).Next;
            AreaOperations.Delete(ref space, index);
            index = next;
        }
        PageTables.FreeTables(ref space, asid, first, after, floor, ceiling);
        return 0;
    }

    /// <summary>Pages of areas in [start, end).</summary>
    public static ulong MappedPages(ref AddressSpace space, ulong start, ulong end)
    {
        ulong pages = 0;
        for (int index = space.Areas.Find(start); index != 0; index = Areas.At(index).Next)
        {
            ref Area area = ref Areas.At(index);
            if (area.Start >= end)
                break;
            ulong from = area.Start > start ? area.Start : start;
            ulong to = area.End < end ? area.End : end;
            pages += (to - from) >> UserLayout.PageShift;
        }
        return pages;
    }

    /// <summary>Whether [start, end) is free and keeps clear of the guard gap of the area above.</summary>
    private static bool IsFree(ref AddressSpace space, ulong start, ulong end)
    {
        int next = space.Areas.Find(start);
        return next == 0 || end <= Areas.At(next).LowerBound;
    }
}
