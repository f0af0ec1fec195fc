namespace BlackBox.Shield;

/// <summary>Changes of areas in place: protection, flags, the heap's border. Nothing here calls the OS.</summary>
internal static class Changing
{
    /// <summary>
    /// mprotect over [start, end): splits at the borders, area by area until one does not permit it or a hole comes, what was done
    /// stays. Returns 0, -ENOMEM or -EACCES (mm/mprotect.c: do_mprotect_pkey). <paramref name="trusted"/>: the shield's own doing, to
    /// which neither the maximum nor the code policy applies.
    /// </summary>
    public static long Protect(Handle<AddressSpace> handle, ulong start, ulong end, Protection protection, bool growsDown, bool trusted = false)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        int index = space.Areas.Find(start);
        if (index == 0)
            return -Errno.ENOMEM;
        if (growsDown)
        {
            if (Areas.At(index).Start >= end)
                return -Errno.ENOMEM;
            start = Areas.At(index).Start;
            if ((Areas.At(index).Flags & AreaFlags.GrowsDown) == 0)
                return -Errno.EINVAL;
        }
        else if (Areas.At(index).Start > start)
        {
            return -Errno.ENOMEM;
        }

        ulong at = start;
        while (true)
        {
            ref Area area = ref Areas.At(index);
            if (trusted)
                area.Maximum |= protection;
            else if ((protection & ~area.Maximum) != 0 || !CodePolicy.MayExecute(area.Object, protection))
                return -Errno.EACCES;
            ulong stop = area.End < end ? area.End : end;
            if (area.Protection != protection)
            {
                long result = ProtectArea(handle, ref space, ref index, at, stop, protection, trusted);
                if (result < 0)
                    return result;
            }
            at = stop;
            if (at >= end)
                return 0;
            index = space.Areas.Find(at);
            if (index == 0 || Areas.At(index).Start > at)
                return -Errno.ENOMEM;
        }
    }

    /// <summary>Sets and clears flags of the areas of [start, end). -ENOMEM if there was a hole (the areas around it are done), -EINVAL for an area that refuses.</summary>
    public static long SetFlags(Handle<AddressSpace> handle, ulong start, ulong end, AreaFlags set, AreaFlags clear)
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
            if (((Areas.At(index).Flags | set) & ~clear) != Areas.At(index).Flags)
            {
                if (AreaOperations.WouldExceed(ref space, index, at, stop) || !Areas.TryPrepare(2))
                    return -Errno.ENOMEM;
                index = AreaOperations.Isolate(ref space, index, at, stop);
                ref Area area = ref Areas.At(index);
                space.Count(ref area, -(long)area.Pages);
                area.Flags = (area.Flags | set) & ~clear;
                space.Count(ref area, (long)area.Pages);
                _ = AreaOperations.Join(ref space, index);
            }
            at = stop;
        }
        return holes;
    }

    /// <summary>brk: the new border, or the old one if it cannot be (mm/mmap.c).</summary>
    public static ulong SetHeap(Handle<AddressSpace> handle, ulong border)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        if (border < space.HeapStart || border > UserLayout.Top || border - space.HeapStart > space.DataLimit)
            return space.Heap;
        ulong before = UserLayout.PageCeiling(space.Heap);
        ulong after = UserLayout.PageCeiling(border);
        if (after < before)
        {
            if (Mapping.Remove(handle, after, before) < 0)
                return space.Heap;
        }
        else if (after > before)
        {
            int next = space.Areas.Find(before);
            if (next != 0 && after + UserLayout.PageBytes > Areas.At(next).LowerBound)
                return space.Heap;
            MapRequest request = new()
            {
                Address = before,
                Length = after - before,
                Fixed = true,
                KeepExisting = true,
                Protection = Protection.Read | Protection.Write,
                Maximum = CodePolicy.Limit(default, Protection.Read | Protection.Write, Protection.All),
            };
            if (Mapping.Map(handle, in request) < 0)
                return space.Heap;
        }
        space.Heap = border;
        return border;
    }

    private static long ProtectArea(
        Handle<AddressSpace> handle, ref AddressSpace space, ref int index, ulong at, ulong stop, Protection protection, bool trusted)
    {
        ref Area whole = ref Areas.At(index);
        ulong pages = (stop - at) >> UserLayout.PageShift;
        bool becomesData = !whole.IsData && (protection & Protection.Write) != 0 && (whole.Flags & (AreaFlags.Shared | AreaFlags.GrowsDown)) == 0;
        if (becomesData && space.DataPages + pages > space.DataLimit >> UserLayout.PageShift)
            return -Errno.ENOMEM;
        if (AreaOperations.WouldExceed(ref space, index, at, stop)
            || !Areas.TryPrepare(2)
            || !SharedTables.TryOwnRange(ref space, AddressSpaces.Asid(handle), at, stop))
        {
            return -Errno.ENOMEM;
        }
        index = AreaOperations.Isolate(ref space, index, at, stop);
        ref Area area = ref Areas.At(index);
        space.Count(ref area, -(long)pages);
        area.Protection = protection;
        if (!trusted)
            area.Maximum = CodePolicy.Limit(area.Object, protection, area.Maximum);
        space.Count(ref area, (long)pages);
        Protecting.Apply(ref space, AddressSpaces.Asid(handle), ref area);
        index = AreaOperations.Join(ref space, index);
        return 0;
    }
}
