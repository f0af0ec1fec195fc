using System;

namespace BlackBox.Shield;

/// <summary>
/// Walks and builds the four levels of a process's tables. Other threads of the process run in EL0 meanwhile, so entries
/// change under these rules (Arm ARM D8.14, break-before-make): an entry whose frame changes, or that goes away, first loses its valid bit,
/// then the TLB is invalidated for it, and only then is the frame given away or the entry written again.
/// An entry that becomes valid needs no barrier: a walker that misses it faults again and finds it.
/// </summary>
internal static class PageTables
{
    /// <summary>Bytes that one last-level table maps.</summary>
    public const ulong LeafBytes = 1UL << 21;

    private const int Levels = 4;

    /// <summary>Entries of a table.</summary>
    public static Span<ulong> Entries(FrameAddress table) => Hardware.Words(table.Value);

    /// <summary>Index of an address in its last-level table.</summary>
    public static int LeafIndex(ulong address) => (int)(address >> 12) & 511;

    /// <summary>Index of an address in its level-2 table, whose entries name the last-level tables.</summary>
    public static int SlotIndex(ulong address) => (int)(address >> 21) & 511;

    /// <summary>The last-level table of an address; null if there is none.</summary>
    public static FrameAddress FindLeaf(FrameAddress root, ulong address)
    {
        FrameAddress table = root;
        for (int level = 0; level < Levels - 1; level++)
        {
            table = PageTableEntry.Frame(Entries(table)[Index(address, level)]);
            if (table.IsNull)
                break;
        }
        return table;
    }

    /// <summary>The level-2 entry of an address. Not <paramref name="exists"/>: there is no last-level table; the reference is to an entry of another level.</summary>
    public static ref ulong FindSlot(FrameAddress root, ulong address, out bool exists)
    {
        ref ulong entry = ref Entries(root)[(int)(address >> 39) & 511];
        if (entry != 0)
        {
            entry = ref Entries(PageTableEntry.Frame(entry))[(int)(address >> 30) & 511];
            if (entry != 0)
                entry = ref Entries(PageTableEntry.Frame(entry))[SlotIndex(address)];
        }
        exists = entry != 0;
        return ref entry;
    }

    /// <summary>The entry of a page as the hardware applies it (read-only in a shared table), 0 if there is none.</summary>
    public static ulong Read(FrameAddress root, ulong address)
    {
        ref ulong slot = ref FindSlot(root, address, out bool exists);
        if (!exists)
            return 0;
        ulong entry = Entries(PageTableEntry.Frame(slot))[LeafIndex(address)];
        return SharedTables.IsShared(slot) && entry != 0 ? entry | PageTableEntry.ReadOnly : entry;
    }

    /// <summary>
    /// The last-level table of an address, made if need be; to be changed only if it is not shared (<see cref="SharedTables.TryOwn"/>).
    /// False: no frame free.
    /// </summary>
    public static bool TryMakeLeaf(ref AddressSpace space, ulong address, out FrameAddress leaf) =>
        TryMake(ref space, address, Levels - 1, out leaf);

    /// <summary>The level-2 table of an address, made if need be. False: no frame free.</summary>
    public static bool TryMakeSlot(ref AddressSpace space, ulong address, out FrameAddress upper) =>
        TryMake(ref space, address, Levels - 2, out upper);

    private static bool TryMake(ref AddressSpace space, ulong address, int levels, out FrameAddress leaf)
    {
        leaf = space.Root;
        for (int level = 0; level < levels; level++)
        {
            ref ulong entry = ref Entries(leaf)[Index(address, level)];
            if (entry == 0)
            {
                if (!Frames.TryAllocate(out FrameAddress table))
                    return false;

                // The zeros must be visible to the walkers of other CPUs before the table is.
                Translation.OrderStores();
                entry = PageTableEntry.Table(table);
                space.TableFrames++;
            }
            leaf = PageTableEntry.Frame(entry);
        }
        return true;
    }

    /// <summary>
    /// The next last-level table that maps something of [address, end). Moves <paramref name="address"/> forward to the part that it
    /// maps. False: none.
    /// </summary>
    public static bool TryNextLeaf(FrameAddress root, ref ulong address, ulong end, out FrameAddress leaf)
    {
        bool found = TryNextSlot(root, ref address, end, out FrameAddress upper);
        leaf = found ? PageTableEntry.Frame(Entries(upper)[SlotIndex(address)]) : default;
        return found;
    }

    /// <summary>As above, but the level-2 table whose entry names the last-level table.</summary>
    public static bool TryNextSlot(FrameAddress root, ref ulong address, ulong end, out FrameAddress upper)
    {
        while (address < end)
        {
            FrameAddress table = root;
            upper = root;
            int level = 0;
            for (; level < Levels - 1; level++)
            {
                upper = table;
                table = PageTableEntry.Frame(Entries(table)[Index(address, level)]);
                if (table.IsNull)
                    break;
            }
            if (level == Levels - 1)
                return true;
            address = SpanEnd(address, level);
        }
        upper = default;
        return false;
    }

    /// <summary>First address after the last-level table of <paramref name="address"/>, but at most <paramref name="end"/>.</summary>
    public static ulong LeafEnd(ulong address, ulong end)
    {
        ulong next = (address | (LeafBytes - 1)) + 1;
        return next < end ? next : end;
    }

    /// <summary>
    /// Frees the tables all of whose addresses lie in [floor, ceiling) and that map something of [start, end), which has no
    /// entries any more: cuts them off at the highest level that is wholly free. The caller has no area in [floor, ceiling).
    /// </summary>
    public static void FreeTables(ref AddressSpace space, ushort asid, ulong start, ulong end, ulong floor, ulong ceiling)
    {
        bool cut = Sweep(ref space, space.Root, 0, start, end, floor, ceiling, free: false);
        if (!cut)
            return;
        Translation.InvalidateSpace(asid);
        _ = Sweep(ref space, space.Root, 0, start, end, floor, ceiling, free: true);
    }

    /// <summary>Frees all tables, the root included, of a space that no CPU uses and whose pages are gone.</summary>
    public static void FreeAll(ref AddressSpace space)
    {
        FreeBelow(ref space, space.Root, 0);
        Frames.Free(space.Root);
        space.Root = default;
    }

    /// <summary>Two passes over the same entries: the first takes the valid bit, the second (after the TLB's invalidation) frees what has lost it.</summary>
    private static bool Sweep(ref AddressSpace space, FrameAddress table, int level, ulong start, ulong end, ulong floor, ulong ceiling, bool free)
    {
        bool cut = false;
        Span<ulong> entries = Entries(table);
        ulong address = start;
        while (address < end)
        {
            ulong next = SpanEnd(address, level);
            ulong first = SpanStart(address, level);
            ref ulong entry = ref entries[Index(address, level)];
            if (entry != 0)
            {
                FrameAddress below = PageTableEntry.Frame(entry);
                if (first >= floor && next <= ceiling)
                {
                    if (!free)
                    {
                        entry &= ~PageTableEntry.Valid;
                        cut = true;
                    }
                    else
                    {
                        entry = 0;
                        FreeBelow(ref space, below, level + 1);
                        Frames.Free(below);
                        space.TableFrames--;
                    }
                }
                else if (level < Levels - 2)
                {
                    cut |= Sweep(ref space, below, level + 1, address, next < end ? next : end, floor, ceiling, free);
                }
            }
            address = next;
        }
        return cut;
    }

    private static void FreeBelow(ref AddressSpace space, FrameAddress table, int level)
    {
        if (level >= Levels - 1)
            return;
        foreach (ulong entry in Entries(table))
        {
            if (entry == 0)
                continue;
            FrameAddress below = PageTableEntry.Frame(entry);
            FreeBelow(ref space, below, level + 1);
            Frames.Free(below);
            space.TableFrames--;
        }
    }

    private static int Index(ulong address, int level) => (int)(address >> (39 - (9 * level))) & 511;

    private static ulong SpanStart(ulong address, int level) => address & ~((1UL << (39 - (9 * level))) - 1);

    private static ulong SpanEnd(ulong address, int level) => (address | ((1UL << (39 - (9 * level))) - 1)) + 1;
}
