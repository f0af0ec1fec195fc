using System;

namespace BlackBox.Shield;

/// <summary>
/// The pages of an object: a radix tree of frames with 512 entries each, page number to entry. An entry is 0 or a frame
/// address with flags in its low bits.
/// </summary>
internal static class ObjectPages
{
    /// <summary>The page was stored to and not yet written back.</summary>
    public const ulong Dirty = 1;

    /// <summary>The instruction caches see the page's bytes: it may be mapped executable without maintenance.</summary>
    public const ulong Published = 2;

    private const int Shift = 9;
    private const int Fanout = 1 << Shift;

    /// <summary>Page numbers below 2^36: offsets of 48 bits.</summary>
    private const int MaximumLevels = 4;

    /// <summary>First page number that no object can hold.</summary>
    public const ulong Limit = 1UL << (MaximumLevels * Shift);

    /// <summary>Dirty pages of all objects.</summary>
    public static int DirtyTotal { get; private set; }

    /// <summary>Frame of an entry.</summary>
    public static FrameAddress Frame(ulong entry) => new(entry & PageTableEntry.AddressMask);

    /// <summary>The entry of a page, 0 if absent.</summary>
    public static ulong Get(ref MemoryObject target, ulong page)
    {
        if (target.PagesLevels == 0 || page >> (target.PagesLevels * Shift) != 0)
            return 0;
        FrameAddress node = target.PagesRoot;
        for (int level = target.PagesLevels - 1; level > 0; level--)
        {
            node = new FrameAddress(PageTables.Entries(node)[Index(page, level)]);
            if (node.IsNull)
                return 0;
        }
        return PageTables.Entries(node)[Index(page, 0)];
    }

    /// <summary>Puts a frame in place of an absent page; the object becomes its user. False: no frame for the tree.</summary>
    public static bool TryAdd(ref MemoryObject target, ulong page, FrameAddress frame)
    {
        if (page >= Limit)
            return false;
        while (target.PagesLevels == 0 || page >> (target.PagesLevels * Shift) != 0)
        {
            if (!Frames.TryAllocate(out FrameAddress root))
                return false;
            PageTables.Entries(root)[0] = target.PagesRoot.Value;
            target.PagesRoot = root;
            target.PagesLevels++;
        }
        FrameAddress node = target.PagesRoot;
        for (int level = target.PagesLevels - 1; level > 0; level--)
        {
            ref ulong entry = ref PageTables.Entries(node)[Index(page, level)];
            if (entry == 0)
            {
                if (!Frames.TryAllocate(out FrameAddress below))
                    return false;
                entry = below.Value;
            }
            node = new FrameAddress(entry);
        }
        PageTables.Entries(node)[Index(page, 0)] = frame.Value;
        target.PageCount++;
        return true;
    }

    /// <summary>Sets or clears flags of a page; nothing if it is absent (it may have gone while the lock was dropped).</summary>
    public static void SetFlags(ref MemoryObject target, ulong page, ulong set, ulong clear)
    {
        if (Get(ref target, page) == 0)
            return;
        FrameAddress node = target.PagesRoot;
        for (int level = target.PagesLevels - 1; level > 0; level--)
            node = new FrameAddress(PageTables.Entries(node)[Index(page, level)]);
        ref ulong entry = ref PageTables.Entries(node)[Index(page, 0)];
        ulong before = entry;
        entry = (entry | set) & ~clear;
        int change = (int)(entry & Dirty) - (int)(before & Dirty);
        target.DirtyCount += change;
        DirtyTotal += change;
    }

    /// <summary>The first present page in [page, end). False: none.</summary>
    public static bool TryNext(ref MemoryObject target, ref ulong page, ulong end, out ulong entry)
    {
        entry = 0;
        while (page < end && target.PagesLevels != 0 && page >> (target.PagesLevels * Shift) == 0)
        {
            FrameAddress node = target.PagesRoot;
            int level = target.PagesLevels - 1;
            for (; level > 0; level--)
            {
                node = new FrameAddress(PageTables.Entries(node)[Index(page, level)]);
                if (node.IsNull)
                    break;
            }
            if (level > 0)
            {
                page = ((page >> (level * Shift)) + 1) << (level * Shift);
                continue;
            }
            ReadOnlySpan<ulong> entries = PageTables.Entries(node);
            do
            {
                entry = entries[Index(page, 0)];
                if (entry != 0)
                    return true;
                page++;
            }
            while (page < end && Index(page, 0) != 0);
        }
        return false;
    }

    /// <summary>
    /// Takes the pages of [from, to) out and gives up their frames; nothing may map them. With <paramref name="cleanOnly"/> only
    /// pages that are clean and that nobody else uses. Returns the pages taken.
    /// </summary>
    public static int Remove(ref MemoryObject target, ulong from, ulong to, bool cleanOnly)
    {
        if (target.PagesLevels == 0)
            return 0;
        int removed = 0;
        int dirty = 0;
        if (Prune(target.PagesRoot, target.PagesLevels - 1, 0, from, to, cleanOnly, ref removed, ref dirty))
        {
            Frames.Free(target.PagesRoot);
            target.PagesRoot = default;
            target.PagesLevels = 0;
        }
        target.PageCount -= removed;
        target.DirtyCount -= dirty;
        DirtyTotal -= dirty;
        return removed;
    }

    /// <summary>For tests, which start with new memory.</summary>
    internal static void Reset() => DirtyTotal = 0;

    /// <summary>True when the node has become empty (its frame is then the caller's to free).</summary>
    private static bool Prune(FrameAddress node, int level, ulong first, ulong from, ulong to, bool cleanOnly, ref int removed, ref int dirty)
    {
        Span<ulong> entries = PageTables.Entries(node);
        bool empty = true;
        ulong span = 1UL << (level * Shift);
        for (int i = 0; i < Fanout; i++)
        {
            ulong entry = entries[i];
            if (entry == 0)
                continue;
            ulong start = first + ((ulong)i * span);
            bool goes = start < to && start + span > from;
            if (goes && level > 0)
            {
                goes = Prune(new FrameAddress(entry), level - 1, start, from, to, cleanOnly, ref removed, ref dirty);
                if (goes)
                    Frames.Free(new FrameAddress(entry));
            }
            else if (goes)
            {
                goes = !cleanOnly || ((entry & Dirty) == 0 && SharedFrames.IsExclusive(Frame(entry)));
                if (goes)
                {
                    SharedFrames.Release(Frame(entry));
                    dirty += (int)(entry & Dirty);
                    removed++;
                }
            }
            if (goes)
                entries[i] = 0;
            else
                empty = false;
        }
        return empty;
    }

    private static int Index(ulong page, int level) => (int)(page >> (level * Shift)) & (Fanout - 1);
}
