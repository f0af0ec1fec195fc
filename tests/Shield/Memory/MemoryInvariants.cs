using System.Collections.Generic;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>What must hold between any two calls, whatever happened before.</summary>
internal static class MemoryInvariants
{
    public static void Check(params IReadOnlyList<Handle<AddressSpace>> spaces)
    {
        Dictionary<ulong, uint> users = [];
        Dictionary<ulong, uint> tables = [];
        int areas = 0;
        foreach (Handle<AddressSpace> handle in spaces)
        {
            ref AddressSpace space = ref Pool<AddressSpace>.Get(handle);
            areas += space.Areas.Count;
            CheckAreas(handle, ref space);
            CheckEntries(handle, ref space, users, tables);
            CheckCachedTranslations(handle, ref space);
        }
        Assert.Equal(areas, Areas.Count);

        for (int i = 0; Pool<MemoryObject>.TryNext(i, out Handle<MemoryObject> handle); i = handle.Index + 1)
        {
            ref MemoryObject target = ref Pool<MemoryObject>.Get(handle);
            int pages = 0;
            for (ulong page = 0; ObjectPages.TryNext(ref target, ref page, ObjectPages.Limit, out ulong entry); page++)
            {
                Use(users, ObjectPages.Frame(entry));
                pages++;
            }
            Assert.Equal(pages, target.PageCount);
            int mappings = 0;
            for (int area = target.FirstMapping; area != 0; area = Areas.At(area).ObjectNext)
            {
                Assert.True(Areas.At(area).Object.Is(handle));
                mappings++;
            }
            Assert.True(target.References >= mappings);
        }

        // Counts are exact: one user is tag 0.
        foreach ((ulong table, uint count) in tables)
            Assert.Equal(count - 1, Frames.Tag(new FrameAddress(table)) & 0xFFFF);
        foreach ((ulong frame, uint count) in users)
        {
            Assert.True(Frames.IsAllocated(new FrameAddress(frame)), "a page's frame is free");
            Assert.Equal(count - 1, Frames.Tag(new FrameAddress(frame)));
        }
    }

    private static void CheckAreas(Handle<AddressSpace> handle, ref AddressSpace space)
    {
        ulong last = 0;
        ulong total = 0;
        ulong data = 0;
        ulong locked = 0;
        int count = 0;
        int previous = 0;
        List<(ulong Start, ulong End)> holes = [];
        for (int i = space.Areas.First; i != 0; i = Areas.At(i).Next)
        {
            ref Area area = ref Areas.At(i);
            Assert.True(area.Start >= last && area.End > area.Start, "order");
            Assert.True(UserLayout.IsAligned(area.Start) && UserLayout.IsAligned(area.End));
            Assert.Equal(previous, area.Previous);
            Assert.True(area.Space.Is(handle));
            Assert.Equal(i, space.Areas.Find(area.Start));
            Assert.Equal(i, space.Areas.Find(area.End - 1));
            if (area.LowerBound > last)
                holes.Add((last, area.LowerBound));
            total += area.Pages;
            data += area.IsData ? area.Pages : 0;
            locked += (area.Flags & AreaFlags.Locked) != 0 ? area.Pages : 0;
            last = area.End;
            previous = i;
            count++;
        }
        Assert.Equal(previous, space.Areas.Last);
        Assert.Equal(count, space.Areas.Count);
        Assert.Equal(total, space.TotalPages);
        Assert.Equal(data, space.DataPages);
        Assert.Equal(locked, space.LockedPages);
        holes.Add((last, UserLayout.Top));

        foreach (ulong pages in (ulong[])[1, 3, 17, 600])
        {
            ulong bytes = pages << 12;
            ulong expected = 0;
            foreach ((ulong start, ulong end) in holes)
            {
                ulong from = ulong.Max(start, UserLayout.LowestMapping);
                ulong to = ulong.Min(end, space.MapBase);
                if (to > from && to - from >= bytes)
                    expected = to - bytes;
            }
            Assert.Equal(expected != 0, space.Areas.TryFindGap(bytes, UserLayout.LowestMapping, space.MapBase, out ulong found));
            Assert.Equal(expected, found);
        }
    }

    private static void CheckEntries(Handle<AddressSpace> handle, ref AddressSpace space, Dictionary<ulong, uint> users, Dictionary<ulong, uint> tables)
    {
        ulong resident = 0;
        int leaves = 0;
        ulong address = 0;
        while (PageTables.TryNextLeaf(space.Root, ref address, UserLayout.Top, out FrameAddress leaf))
        {
            leaves++;
            ulong start = address & ~(PageTables.LeafBytes - 1);
            bool shared = SharedTables.IsShared(PageTables.FindSlot(space.Root, address, out _));

            // A table that others use too uses its pages once.
            bool first = !shared || tables.TryAdd(leaf.Value, 0);
            if (shared)
                tables[leaf.Value]++;
            else
                Assert.Equal(0U, Frames.Tag(leaf));
            ulong before = resident;
            for (int i = 0; i < 512; i++)
            {
                ulong entry = PageTables.Entries(leaf)[i];
                if (entry == 0)
                    continue;
                ulong page = start + ((ulong)i << 12);
                Assert.True((entry & PageTableEntry.Valid) != 0, "invalid entry left");
                int index = space.Areas.Containing(page);
                Assert.True(index != 0, "page without area");
                ref Area area = ref Areas.At(index);
                Assert.Equal(area.Protection != Protection.None, PageTableEntry.Permits(entry, UserAccess.Read));
                Assert.Equal((area.Protection & Protection.Execute) != 0, PageTableEntry.Permits(entry, UserAccess.Execute));
                FrameAddress frame = PageTableEntry.Frame(entry);
                Assert.False(frame.IsNull);
                if (PageTableEntry.IsWritable(entry))
                {
                    Assert.True((area.Protection & Protection.Write) != 0, "writable beyond the area");
                    Assert.True(area.IsShared || SharedFrames.IsExclusive(frame), "a shared frame can be stored to");
                    Assert.False(SharedFrames.IsZero(frame));
                    Assert.Equal(!shared, PageTableEntry.IsWritable(PageTables.Read(space.Root, page)));
                }
                Assert.True(!shared || area.IsAnonymous, "pages of an object in a shared table");
                if (area.IsShared)
                {
                    ulong present = ObjectPages.Get(ref Pool<MemoryObject>.Get(area.Object), area.PageAt(page));
                    Assert.Equal(ObjectPages.Frame(present).Value, frame.Value);
                    if (PageTableEntry.IsWritable(entry) && Pool<MemoryObject>.Get(area.Object).Kind == ObjectKind.File)
                        Assert.True((present & ObjectPages.Dirty) != 0, "a clean page can be stored to");
                }
                if (first && !SharedFrames.IsZero(frame))
                    Use(users, frame);
                resident++;
            }
            if (shared)
                Assert.Equal(resident - before, Frames.Tag(leaf) >> 16);
            address = start + PageTables.LeafBytes;
        }
        Assert.Equal(resident, space.ResidentPages);
        Assert.Equal(CountTables(space.Root, 0) - 1, space.TableFrames);
        Assert.True(space.TableFrames >= leaves);
        _ = handle;
    }

    private static int CountTables(FrameAddress table, int level)
    {
        Assert.True(Frames.IsAllocated(table), "a table's frame is free");
        int count = 1;
        for (int i = 0; level < 3 && i < 512; i++)
        {
            ulong entry = PageTables.Entries(table)[i];
            if (entry == 0)
                continue;
            Assert.True((entry & PageTableEntry.Valid) != 0, "a table is cut off");
            count += CountTables(PageTableEntry.Frame(entry), level + 1);
        }
        return count;
    }

    /// <summary>A translation that a CPU may still use is the one in the tables, or permits less.</summary>
    private static void CheckCachedTranslations(Handle<AddressSpace> handle, ref AddressSpace space)
    {
        foreach ((ulong page, ulong cached) in Translation.CachedOf(AddressSpaces.Asid(handle)))
        {
            ulong entry = PageTables.Read(space.Root, page << 12);
            Assert.Equal(PageTableEntry.Frame(entry).Value, PageTableEntry.Frame(cached).Value);
            foreach (UserAccess access in (UserAccess[])[UserAccess.Read, UserAccess.Write, UserAccess.Execute])
                Assert.True(PageTableEntry.Permits(entry, access) || !PageTableEntry.Permits(cached, access), "stale permission");
        }
    }

    private static void Use(Dictionary<ulong, uint> users, FrameAddress frame)
    {
        _ = users.TryGetValue(frame.Value, out uint count);
        users[frame.Value] = count + 1;
    }
}
