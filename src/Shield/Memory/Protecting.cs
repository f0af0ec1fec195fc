using System;

namespace BlackBox.Shield;

/// <summary>Changes the permissions of pages that are present.</summary>
internal static class Protecting
{
    /// <summary>Takes the permission to store from all pages of [start, end).</summary>
    public static void MakeReadOnly(ref AddressSpace space, ushort asid, ulong start, ulong end)
    {
        ulong first = ulong.MaxValue;
        ulong last = 0;
        ulong address = start;
        while (PageTables.TryNextLeaf(space.Root, ref address, end, out FrameAddress leaf))
        {
            ulong stop = PageTables.LeafEnd(address, end);
            Span<ulong> entries = PageTables.Entries(leaf).Slice(PageTables.LeafIndex(address), (int)((stop - address) >> 12));
            for (int i = 0; i < entries.Length; i++)
            {
                if (!PageTableEntry.IsWritable(entries[i]))
                    continue;
                entries[i] |= PageTableEntry.ReadOnly;
                last = address + ((ulong)i << 12);
                if (first == ulong.MaxValue)
                    first = last;
            }
            address = stop;
        }
        if (first != ulong.MaxValue)
            Unmapping.InvalidateRange(asid, first, last + UserLayout.PageBytes);
    }

    /// <summary>
    /// Brings the entries of an area in line with its protection. A store is permitted at once where nobody else uses the frame; elsewhere
    /// the next store faults and decides. Pages that become executable are made visible to the instruction caches first. No table of the area
    /// may be shared (<see cref="SharedTables.TryOwnRange"/>).
    /// </summary>
    public static void Apply(ref AddressSpace space, ushort asid, ref Area area)
    {
        bool sharedMemory = area.IsShared && Pool<MemoryObject>.Get(area.Object).Kind == ObjectKind.Shared;
        ulong first = ulong.MaxValue;
        ulong last = 0;
        ulong address = area.Start;
        while (PageTables.TryNextLeaf(space.Root, ref address, area.End, out FrameAddress leaf))
        {
            ulong stop = PageTables.LeafEnd(address, area.End);
            Span<ulong> entries = PageTables.Entries(leaf).Slice(PageTables.LeafIndex(address), (int)((stop - address) >> 12));
            for (int i = 0; i < entries.Length; i++)
            {
                ulong entry = entries[i];
                if (entry == 0)
                    continue;
                FrameAddress frame = PageTableEntry.Frame(entry);
                bool writable = area.IsShared ? sharedMemory || PageTableEntry.IsWritable(entry) : SharedFrames.IsExclusive(frame);
                ulong changed = (entry & ~PageTableEntry.PermissionMask) | PageTableEntry.Permissions(area.Protection, writable);
                if (changed == entry)
                    continue;
                if ((entry & PageTableEntry.UserExecuteNever) != 0 && (changed & PageTableEntry.UserExecuteNever) == 0)
                    Translation.PublishInstructions(frame);
                entries[i] = changed;
                last = address + ((ulong)i << 12);
                if (first == ulong.MaxValue)
                    first = last;
            }
            address = stop;
        }
        if (first != ulong.MaxValue)
            Unmapping.InvalidateRange(asid, first, last + UserLayout.PageBytes);
    }
}
