using System;

namespace BlackBox.Shield;

/// <summary>Takes entries out of the tables and gives their frames back, in the order that the TLB demands.</summary>
internal static class Unmapping
{
    /// <summary>Up to so many pages are invalidated one by one; beyond, the whole ASID is cheaper.</summary>
    private const ulong PagesOneByOne = 32;

    /// <summary>
    /// Removes all pages of [start, end): takes the valid bits, invalidates the TLB if there were any, then gives the frames back.
    /// Areas and tables stay, but shared tables go. Those of which [start, end) is a part only the caller has made the space's own.
    /// </summary>
    public static void RemovePages(ref AddressSpace space, ushort asid, ulong start, ulong end)
    {
        if (Invalidate(ref space, asid, start, end))
            DropPages(ref space, start, end);
    }

    /// <summary>Takes the valid bit of every entry of [start, end) and invalidates the TLB for them. False if there was none.</summary>
    public static bool Invalidate(ref AddressSpace space, ushort asid, ulong start, ulong end)
    {
        ulong first = ulong.MaxValue;
        ulong last = 0;
        ulong address = start;
        while (PageTables.TryNextSlot(space.Root, ref address, end, out FrameAddress upper))
        {
            ulong stop = PageTables.LeafEnd(address, end);
            ref ulong slot = ref PageTables.Entries(upper)[PageTables.SlotIndex(address)];
            if (SharedTables.IsShared(slot))
            {
                // A shared table goes as a whole; of one that stays in part the caller has its own (SharedTables.TryOwnBorders).
                if (stop - address != PageTables.LeafBytes)
                    Panic.Stop(PanicReason.Invariant, "part of a shared table"u8);
                slot &= ~PageTableEntry.Valid;
                last = stop - UserLayout.PageBytes;
                if (first == ulong.MaxValue)
                    first = address;
                address = stop;
                continue;
            }
            FrameAddress leaf = PageTableEntry.Frame(slot);
            Span<ulong> entries = PageTables.Entries(leaf).Slice(PageTables.LeafIndex(address), (int)((stop - address) >> 12));
            for (int i = 0; i < entries.Length; i++)
            {
                if (entries[i] == 0)
                    continue;
                entries[i] &= ~PageTableEntry.Valid;
                last = address + ((ulong)i << 12);
                if (first == ulong.MaxValue)
                    first = last;
            }
            address = stop;
        }
        if (first == ulong.MaxValue)
            return false;
        InvalidateRange(asid, first, last + UserLayout.PageBytes);
        return true;
    }

    /// <summary>Invalidates the TLB for entries of [start, end) that were changed before, and waits until no CPU uses the old ones.</summary>
    public static void InvalidateRange(ushort asid, ulong start, ulong end)
    {
        if (end - start > PagesOneByOne << UserLayout.PageShift)
        {
            Translation.InvalidateSpace(asid);
            return;
        }
        Translation.OrderStores();
        for (ulong page = start; page < end; page += UserLayout.PageBytes)
            Translation.InvalidatePageDeferred(asid, page);
        Translation.Complete();
    }

    /// <summary>Clears the entries of [start, end), which no TLB holds any more, and gives up the use of their frames.</summary>
    public static void DropPages(ref AddressSpace space, ulong start, ulong end)
    {
        ulong address = start;
        while (PageTables.TryNextSlot(space.Root, ref address, end, out FrameAddress upper))
        {
            ulong stop = PageTables.LeafEnd(address, end);
            ref ulong slot = ref PageTables.Entries(upper)[PageTables.SlotIndex(address)];
            if (SharedTables.IsShared(slot))
            {
                SharedTables.Detach(ref space, ref slot);
                address = stop;
                continue;
            }
            FrameAddress leaf = PageTableEntry.Frame(slot);
            Span<ulong> entries = PageTables.Entries(leaf).Slice(PageTables.LeafIndex(address), (int)((stop - address) >> 12));
            for (int i = 0; i < entries.Length; i++)
            {
                ulong entry = entries[i];
                if (entry == 0)
                    continue;
                entries[i] = 0;
                space.ResidentPages--;
                SharedFrames.Release(PageTableEntry.Frame(entry));
            }
            address = stop;
        }
    }
}
