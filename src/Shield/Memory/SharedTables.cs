using System;

namespace BlackBox.Shield;

/// <summary>
/// Last-level tables that several address spaces use. A fork does not copy a table all of whose 2 MiB are private anonymous memory: the
/// child's level-2 entry names the same table, and in both entries APTable (Arm ARM D8.4.1) forbids stores through it, whatever its entries
/// say. Such a table changes for nobody: who wants to change it takes a copy first, in which, as in the original, all pages are read-only,
/// and every page has one user more. The last user takes the table itself.
/// The tag of the table's frame: bits 15..0 are the users beyond the first, bits 31..16 its entries that are not zero.
/// </summary>
internal static class SharedTables
{
    private const uint UsersMask = 0xFFFF;
    private const int PresentShift = 16;

    /// <summary>Whether the level-2 entry forbids stores: its table is, or was, used by others too.</summary>
    public static bool IsShared(ulong slot) => (slot & PageTableEntry.NoStores) != 0;

    /// <summary>
    /// Gives a fork's child the table of <paramref name="slot"/>, the parent's entry for the 2 MiB at <paramref name="address"/>. Sets
    /// <paramref name="protectedAny"/> if the parent's TLB may permit stores. False: no frame for the child's upper tables, or too many users.
    /// </summary>
    public static bool TryShare(ref AddressSpace to, ulong address, ref ulong slot, ref bool protectedAny)
    {
        FrameAddress table = PageTableEntry.Frame(slot);
        ref uint tag = ref Frames.Tag(table);
        if ((tag & UsersMask) == UsersMask || !PageTables.TryMakeSlot(ref to, address, out FrameAddress upper))
            return false;
        if (!IsShared(slot))
        {
            tag = (uint)Present(table) << PresentShift;
            slot |= PageTableEntry.NoStores;
            protectedAny = true;
        }
        tag++;
        PageTables.Entries(upper)[PageTables.SlotIndex(address)] = slot;
        to.TableFrames++;
        to.ResidentPages += tag >> PresentShift;
        return true;
    }

    /// <summary>
    /// Makes the table of the 2 MiB at <paramref name="address"/> the space's own if it is shared, so that it may be changed. False: no frame
    /// free, nothing changed.
    /// </summary>
    public static bool TryOwn(ref AddressSpace space, ushort asid, ulong address)
    {
        ref ulong slot = ref PageTables.FindSlot(space.Root, address, out bool exists);
        return !exists || !IsShared(slot) || TryOwnSlot(asid, ref slot);
    }

    /// <summary>As above, for all tables that map something of [start, end). False: no frame; some may be the space's own by then.</summary>
    public static bool TryOwnRange(ref AddressSpace space, ushort asid, ulong start, ulong end)
    {
        ulong address = start;
        while (PageTables.TryNextSlot(space.Root, ref address, end, out FrameAddress upper))
        {
            ref ulong slot = ref PageTables.Entries(upper)[PageTables.SlotIndex(address)];
            if (IsShared(slot) && !TryOwnSlot(asid, ref slot))
                return false;
            address = PageTables.LeafEnd(address, end);
        }
        return true;
    }

    /// <summary>As above, for the tables of which [start, end) is a part only: before its pages are removed.</summary>
    public static bool TryOwnBorders(ref AddressSpace space, ushort asid, ulong start, ulong end)
    {
        const ulong mask = PageTables.LeafBytes - 1;
        return ((start & mask) == 0 || TryOwn(ref space, asid, start)) && ((end & mask) == 0 || TryOwn(ref space, asid, end));
    }

    /// <summary>Shared tables in [start, end): frames that <see cref="TryOwnRange"/> takes at most.</summary>
    public static int CountShared(ref AddressSpace space, ulong start, ulong end)
    {
        int shared = 0;
        ulong address = start;
        while (PageTables.TryNextSlot(space.Root, ref address, end, out FrameAddress upper))
        {
            if (IsShared(PageTables.Entries(upper)[PageTables.SlotIndex(address)]))
                shared++;
            address = PageTables.LeafEnd(address, end);
        }
        return shared;
    }

    /// <summary>
    /// The space, in whose TLB nothing of it is left, no longer uses the table of <paramref name="slot"/>. The last user gives up its pages and
    /// the table.
    /// </summary>
    public static void Detach(ref AddressSpace space, ref ulong slot)
    {
        FrameAddress table = PageTableEntry.Frame(slot);
        slot = 0;
        space.TableFrames--;
        ref uint tag = ref Frames.Tag(table);
        space.ResidentPages -= tag >> PresentShift;
        if ((tag & UsersMask) != 0)
        {
            tag--;
            return;
        }
        foreach (ulong entry in PageTables.Entries(table))
        {
            if (entry != 0)
                SharedFrames.Release(PageTableEntry.Frame(entry));
        }
        Frames.Free(table);
    }

    private static bool TryOwnSlot(ushort asid, ref ulong slot)
    {
        FrameAddress table = PageTableEntry.Frame(slot);
        ref uint tag = ref Frames.Tag(table);
        if ((tag & UsersMask) == 0)
        {
            // The others have copies or are gone. The TLB may hold entries that forbid what is allowed again.
            tag = 0;
            slot &= ~PageTableEntry.NoStores;
            Translation.InvalidateSpace(asid);
            return true;
        }
        if (!Frames.TryAllocateForCopy(out FrameAddress copy))
            return false;
        Span<ulong> source = PageTables.Entries(table);
        Span<ulong> target = PageTables.Entries(copy);
        for (int i = 0; i < source.Length && i < target.Length; i++)
        {
            ulong entry = source[i];
            if (entry != 0)
            {
                // No TLB permits a store through the original: APTable forbids it for every user.
                entry |= PageTableEntry.ReadOnly;
                source[i] = entry;
                SharedFrames.Add(PageTableEntry.Frame(entry));
            }
            target[i] = entry;
        }

        // Break before make: walk caches may hold the way to the original.
        slot = 0;
        Translation.InvalidateSpace(asid);
        slot = PageTableEntry.Table(copy);
        tag--;
        return true;
    }

    private static int Present(FrameAddress table)
    {
        int present = 0;
        foreach (ulong entry in PageTables.Entries(table))
        {
            if (entry != 0)
                present++;
        }
        return present;
    }
}
