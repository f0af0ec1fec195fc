namespace BlackBox.Shield;

/// <summary>Areas made with MAP_GROWSDOWN grow on access (Linux: expand_downwards).</summary>
internal static class StackGrowth
{
    /// <summary>Extends the area above <paramref name="address"/> down to it, if it is one that grows and limits and guard gap allow. Returns it, or 0.</summary>
    public static int TryGrow(ref AddressSpace space, ulong address)
    {
        address = UserLayout.PageFloor(address);
        int index = space.Areas.Find(address);
        if (index == 0 || address < UserLayout.LowestMapping)
            return 0;
        ref Area area = ref Areas.At(index);
        if ((area.Flags & AreaFlags.GrowsDown) == 0)
            return 0;
        if (area.Previous != 0)
        {
            ref Area below = ref Areas.At(area.Previous);
            bool guarded = (below.Flags & AreaFlags.GrowsDown) == 0 && below.Protection != Protection.None;
            if (guarded && address - below.End < UserLayout.StackGuard)
                return 0;
        }
        ulong pages = (area.Start - address) >> UserLayout.PageShift;
        if (area.End - address > space.StackLimit || !space.MayExpand(pages, isData: false))
            return 0;
        if ((area.Flags & AreaFlags.Locked) != 0 && (space.LockedPages + pages) << UserLayout.PageShift > space.LockLimit)
            return 0;
        if (area.Page < pages)
            return 0;
        area.Page -= pages;
        space.Areas.SetBorders(index, address, area.End);
        space.Count(ref area, (long)pages);
        return index;
    }
}
