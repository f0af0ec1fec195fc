using System;

namespace BlackBox.Shield;

/// <summary>The copy-on-write snapshot of an address space.</summary>
internal static partial class AddressSpaces
{
    /// <summary>Frames that a fork of the thread's space takes at most: to be reserved before it.</summary>
    public static int ForkFrames(ref Thread thread)
    {
        ref AddressSpace space = ref Pool<AddressSpace>.Get(Of(ref thread));
        return space.TableFrames + (space.Areas.Count >> 4) + 8;
    }

    /// <summary>
    /// Copy-on-write snapshot of the thread's address space. No call to the OS: the caller reserves <see cref="ForkFrames"/> before. False:
    /// no memory; nothing is left of the attempt.
    /// </summary>
    public static bool TryFork(ref Thread thread, out Handle<AddressSpace> child) => TryFork(Of(ref thread), out child);

    /// <summary>As above, for a space.</summary>
    public static bool TryFork(Handle<AddressSpace> parent, out Handle<AddressSpace> child)
    {
        if (!TryCreate(out child))
            return false;
        ref AddressSpace from = ref Pool<AddressSpace>.Get(parent);
        ref AddressSpace to = ref Pool<AddressSpace>.Get(child);
        to.MapBase = from.MapBase;
        to.HeapStart = from.HeapStart;
        to.Heap = from.Heap;
        to.StackTop = from.StackTop;
        to.AddressSpaceLimit = from.AddressSpaceLimit;
        to.DataLimit = from.DataLimit;
        to.StackLimit = from.StackLimit;
        to.LockLimit = from.LockLimit;
        to.Program = from.Program;

        bool complete = true;
        bool protectedAny = false;
        for (int index = from.Areas.First; index != 0 && complete; index = Areas.At(index).Next)
        {
            if ((Areas.At(index).Flags & AreaFlags.DontFork) == 0)
                complete = TryCopyArea(ref from, ref to, child, index, ref protectedAny);
        }

        // Stores of the parent's other threads go on through the TLB until here; from here on they fault.
        if (protectedAny)
            Translation.InvalidateSpace(Asid(parent));
        if (complete)
            return true;
        Release(child);
        child = default;
        return false;
    }

    private static bool TryCopyArea(ref AddressSpace from, ref AddressSpace to, Handle<AddressSpace> child, int index, ref bool protectedAny)
    {
        if (!Areas.TryAdd(out int copy))
            return false;
        ref Area source = ref Areas.At(index);
        ref Area area = ref Areas.At(copy);
        area.Start = source.Start;
        area.End = source.End;
        area.Page = source.Page;
        area.Protection = source.Protection;
        area.Maximum = source.Maximum;
        area.Flags = source.Flags & ~(AreaFlags.Locked | AreaFlags.LockOnFault);
        area.Object = source.Object;
        area.Space = child;
        MemoryObjects.Attach(copy);
        to.Areas.Insert(copy);
        to.Count(ref area, (long)area.Pages);

        // Pages of objects come back by themselves on the first access: only private ones must be copied.
        if (area.IsShared || (source.Flags & AreaFlags.OwnPages) == 0)
            return true;
        if ((source.Flags & AreaFlags.WipeOnFork) == 0)
            return TryCopyPages(ref from, ref to, source.Start, source.End, source.IsAnonymous, ref protectedAny);
        area.Flags &= ~AreaFlags.OwnPages;
        return true;
    }

    private static bool TryCopyPages(ref AddressSpace from, ref AddressSpace to, ulong start, ulong end, bool anonymous, ref bool protectedAny)
    {
        ulong address = start;
        while (PageTables.TryNextSlot(from.Root, ref address, end, out FrameAddress upper))
        {
            ulong stop = PageTables.LeafEnd(address, end);
            ref ulong slot = ref PageTables.Entries(upper)[PageTables.SlotIndex(address)];
            if (anonymous && stop - address == PageTables.LeafBytes && SharedTables.TryShare(ref to, address, ref slot, ref protectedAny))
            {
                address = stop;
                continue;
            }

            // If the table is shared with others: no TLB permits stores through it, and its pages become read-only in their sense too.
            FrameAddress leaf = PageTableEntry.Frame(slot);
            int first = PageTables.LeafIndex(address);
            int count = (int)((stop - address) >> 12);
            Span<ulong> source = PageTables.Entries(leaf).Slice(first, count);
            if (!PageTables.TryMakeLeaf(ref to, address, out FrameAddress copy))
                return false;
            Span<ulong> target = PageTables.Entries(copy).Slice(first, count);
            for (int i = 0; i < source.Length && i < target.Length; i++)
            {
                ulong entry = source[i];
                if (entry == 0)
                    continue;
                if (PageTableEntry.IsWritable(entry))
                {
                    entry |= PageTableEntry.ReadOnly;
                    source[i] = entry;
                    protectedAny = true;
                }
                SharedFrames.Add(PageTableEntry.Frame(entry));
                target[i] = entry;
                to.ResidentPages++;
            }
            address = stop;
        }
        return true;
    }
}
