using System;

namespace BlackBox.Shield;

/// <summary>mremap: growing, shrinking and moving a mapping (mm/mremap.c of Linux 6.1). Nothing here calls the OS.</summary>
internal static class Remapping
{
    /// <summary>MREMAP_ flags.</summary>
    public const ulong MayMove = 1;

    /// <summary>The new address is given.</summary>
    public const ulong Fixed = 2;

    /// <summary>The old mapping stays, empty.</summary>
    public const ulong DontUnmap = 4;

    /// <summary>
    /// Address after the change, or -errno. Lengths are bytes as the program gave them. Tables for the new place are made before anything
    /// changes: <see cref="TableFrames"/> frames must be free.
    /// </summary>
    public static long Remap(Handle<AddressSpace> handle, ulong address, ulong oldLength, ulong newLength, ulong flags, ulong newAddress)
    {
        if ((flags & ~(MayMove | Fixed | DontUnmap)) != 0
            || (flags & (Fixed | MayMove)) == Fixed
            || ((flags & DontUnmap) != 0 && ((flags & MayMove) == 0 || oldLength != newLength))
            || !UserLayout.IsAligned(address))
        {
            return -Errno.EINVAL;
        }
        oldLength = UserLayout.PageCeiling(oldLength);
        newLength = UserLayout.PageCeiling(newLength);
        if (newLength == 0)
            return -Errno.EINVAL;
        ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
        int index = address < UserLayout.Top ? space.AreaAt(address) : 0;
        if (index == 0)
            return -Errno.EFAULT;
        if ((flags & (Fixed | DontUnmap)) != 0)
            return RemapTo(handle, ref space, address, oldLength, newLength, flags, newAddress);

        if (oldLength >= newLength)
        {
            if (oldLength == newLength)
                return (long)address;
            long shrunk = Unmap(handle, address + newLength, oldLength - newLength);
            return shrunk < 0 ? shrunk : (long)address;
        }

        long refused = MayResize(ref space, index, address, oldLength, newLength);
        if (refused < 0)
            return refused;
        ref Area area = ref Areas.At(index);
        ulong more = newLength - oldLength;
        if (oldLength == area.End - address && CanExtend(ref area, more))
        {
            space.Areas.SetBorders(index, area.Start, area.End + more);
            space.Count(ref area, (long)(more >> UserLayout.PageShift));
            _ = AreaOperations.Join(ref space, index);
            return (long)address;
        }
        if ((flags & MayMove) == 0)
            return -Errno.ENOMEM;
        MapRequest search = new() { Length = newLength };
        long place = Mapping.Place(ref space, in search);
        return place < 0 ? place : Move(handle, ref space, index, address, oldLength, newLength, (ulong)place, keepOld: false);
    }

    /// <summary>Frames that moving may take: tables for the new place, copies of shared tables at the old one.</summary>
    public static int TableFrames(ulong oldLength) => (int)Math.Min((oldLength >> 20) + 8, 1 << 20);

    private static long RemapTo(
        Handle<AddressSpace> handle, ref AddressSpace space, ulong address, ulong oldLength, ulong newLength, ulong flags, ulong newAddress)
    {
        bool isFixed = (flags & Fixed) != 0;
        if (!UserLayout.IsAligned(newAddress) || newLength > UserLayout.Top || newAddress > UserLayout.Top - newLength)
            return -Errno.EINVAL;
        if (address + oldLength > newAddress && newAddress + newLength > address)
            return -Errno.EINVAL;
        if (space.Areas.Count + 2 >= UserLayout.MaximumAreas - 3)
            return -Errno.ENOMEM;
        if (isFixed)
        {
            if (newAddress < UserLayout.LowestMapping)
                return -Errno.EPERM;
            long removed = Unmap(handle, newAddress, newLength);
            if (removed < 0)
                return removed;
        }
        if (oldLength > newLength)
        {
            long shrunk = Unmap(handle, address + newLength, oldLength - newLength);
            if (shrunk < 0)
                return shrunk;
            oldLength = newLength;
        }
        int index = space.AreaAt(address);
        if (index == 0)
            return -Errno.EFAULT;
        long refused = MayResize(ref space, index, address, oldLength, newLength);
        if (refused < 0)
            return refused;
        bool keepOld = (flags & DontUnmap) != 0;
        if (keepOld && !space.MayExpand(oldLength >> UserLayout.PageShift, Areas.At(index).IsData))
            return -Errno.ENOMEM;
        if (!isFixed)
        {
            MapRequest search = new() { Address = newAddress, Length = newLength };
            long place = Mapping.Place(ref space, in search);
            if (place < 0)
                return place;
            newAddress = (ulong)place;
        }
        return Move(handle, ref space, index, address, oldLength, newLength, newAddress, keepOld);
    }

    /// <summary>Linux's vma_to_resize.</summary>
    private static long MayResize(ref AddressSpace space, int index, ulong address, ulong oldLength, ulong newLength)
    {
        ref Area area = ref Areas.At(index);
        if (oldLength == 0 && !area.IsShared)
            return -Errno.EINVAL;
        if (oldLength > area.End - address)
            return -Errno.EFAULT;
        if (newLength == oldLength)
            return 0;
        ulong page = area.PageAt(address);
        if (page + (newLength >> UserLayout.PageShift) < page)
            return -Errno.EINVAL;
        if (newLength < oldLength)
            return 0;
        ulong more = (newLength - oldLength) >> UserLayout.PageShift;
        if ((area.Flags & AreaFlags.Locked) != 0 && (space.LockedPages + more) << UserLayout.PageShift > space.LockLimit)
            return -Errno.EAGAIN;
        return space.MayExpand(more, area.IsData) ? 0 : -Errno.ENOMEM;
    }

    private static bool CanExtend(ref Area area, ulong more)
    {
        ulong end = area.End + more;
        return end <= UserLayout.Top && (area.Next == 0 || end <= Areas.At(area.Next).LowerBound);
    }

    private static long Move(
        Handle<AddressSpace> handle, ref AddressSpace space, int index, ulong address, ulong oldLength, ulong newLength, ulong newAddress, bool keepOld)
    {
        if (space.Areas.Count >= UserLayout.MaximumAreas - 3 || !Areas.TryPrepare(4))
            return -Errno.ENOMEM;
        if (!SharedTables.TryOwnRange(ref space, AddressSpaces.Asid(handle), address, address + oldLength)
            || !TryMakeTables(ref space, address, oldLength, newAddress)
            || !Areas.TryAdd(out int created))
        {
            FreeTablesAround(handle, ref space, newAddress, newAddress + newLength);
            return -Errno.ENOMEM;
        }
        ref Area source = ref Areas.At(index);
        ref Area area = ref Areas.At(created);
        area.Start = newAddress;
        area.End = newAddress + newLength;
        area.Page = source.PageAt(address);
        if (source.IsAnonymous && (source.Flags & AreaFlags.OwnPages) == 0)
            area.Page = newAddress >> UserLayout.PageShift;
        area.Protection = source.Protection;
        area.Maximum = source.Maximum;
        area.Flags = source.Flags;
        area.Object = source.Object;
        area.Space = handle;
        MemoryObjects.Attach(created);
        space.Areas.Insert(created);
        space.Count(ref area, (long)area.Pages);

        if (oldLength != 0)
        {
            MovePages(ref space, AddressSpaces.Asid(handle), address, address + oldLength, newAddress);
            if (keepOld)
                SetUnlocked(ref space, ref source);
            else if (Mapping.Remove(handle, address, address + oldLength) < 0)
                Panic.Stop(PanicReason.Invariant, "mremap left the old area"u8);
        }
        _ = AreaOperations.Join(ref space, created);
        return (long)newAddress;
    }

    /// <summary>Takes the entries out at the old place, invalidates the TLB, and puts them in at the new one, whose tables exist.</summary>
    private static void MovePages(ref AddressSpace space, ushort asid, ulong start, ulong end, ulong to)
    {
        if (!Unmapping.Invalidate(ref space, asid, start, end))
            return;
        ulong address = start;
        while (PageTables.TryNextLeaf(space.Root, ref address, end, out FrameAddress leaf))
        {
            ulong stop = PageTables.LeafEnd(address, end);
            Span<ulong> entries = PageTables.Entries(leaf);
            for (; address < stop; address += UserLayout.PageBytes)
            {
                ulong entry = entries[PageTables.LeafIndex(address)];
                if (entry == 0)
                    continue;
                entries[PageTables.LeafIndex(address)] = 0;
                ulong target = to + (address - start);
                PageTables.Entries(PageTables.FindLeaf(space.Root, target))[PageTables.LeafIndex(target)] = entry | PageTableEntry.Valid;
            }
        }
    }

    private static bool TryMakeTables(ref AddressSpace space, ulong start, ulong length, ulong to)
    {
        ulong address = start;
        ulong end = start + length;
        while (PageTables.TryNextLeaf(space.Root, ref address, end, out _))
        {
            // One old table's pages fall into at most two new ones.
            ulong stop = PageTables.LeafEnd(address, end);
            if (!PageTables.TryMakeLeaf(ref space, to + (address - start), out _)
                || !PageTables.TryMakeLeaf(ref space, to + (stop - UserLayout.PageBytes - start), out _))
            {
                return false;
            }
            address = stop;
        }
        return true;
    }

    /// <summary>Undoes <see cref="TryMakeTables"/> for a range that no area covers.</summary>
    private static void FreeTablesAround(Handle<AddressSpace> handle, ref AddressSpace space, ulong start, ulong end)
    {
        int next = space.Areas.Find(start);
        int previous = next != 0 ? Areas.At(next).Previous : space.Areas.Last;
        ulong floor = previous != 0 ? Areas.At(previous).End : 0;
        ulong ceiling = next != 0 ? Areas.At(next).Start : UserLayout.Top;
        PageTables.FreeTables(ref space, AddressSpaces.Asid(handle), start, end, floor, ceiling);
    }

    private static void SetUnlocked(ref AddressSpace space, ref Area area)
    {
        space.Count(ref area, -(long)area.Pages);
        area.Flags &= ~(AreaFlags.Locked | AreaFlags.LockOnFault);
        space.Count(ref area, (long)area.Pages);
    }

    private static long Unmap(Handle<AddressSpace> handle, ulong start, ulong length)
    {
        if (start > UserLayout.Top || length > UserLayout.Top - start)
            return -Errno.EINVAL;
        return Mapping.Remove(handle, start, start + length);
    }
}
