using System.Collections.Generic;

namespace BlackBox.Shield;

/// <summary>
/// The translation hardware as an ordinary library sees it: a TLB without a bound that forgets only what it is told to forget, so
/// that a missing invalidation shows. The real one is Hardware/Translation.Unsafe.cs.
/// </summary>
internal static class Translation
{
    private static readonly Dictionary<(ushort Asid, ulong Page), ulong> Cached = [];

    /// <summary>Pages whose instructions were made visible since start.</summary>
    public static HashSet<ulong> Published { get; } = [];

    /// <summary>Invalidations of one page, and of a whole space.</summary>
    public static long PageInvalidations { get; set; }

    public static long SpaceInvalidations { get; set; }

    /// <summary>Root and ASID set by <see cref="Activate"/>.</summary>
    public static FrameAddress ActiveRoot { get; private set; }

    public static ushort ActiveAsid { get; private set; }

    public static void Start()
    {
        Cached.Clear();
        Published.Clear();
        PageInvalidations = 0;
        SpaceInvalidations = 0;
        ActiveRoot = default;
        ActiveAsid = 0;
    }

    public static void OrderStores()
    {
    }

    public static void InvalidatePage(ushort asid, ulong address)
    {
        PageInvalidations++;
        Cached.Remove((asid, address >> 12));
    }

    public static void InvalidatePageDeferred(ushort asid, ulong address) => InvalidatePage(asid, address);

    public static void Complete()
    {
    }

    public static void InvalidateSpace(ushort asid)
    {
        SpaceInvalidations++;
        List<(ushort, ulong)> gone = [];
        foreach ((ushort Asid, ulong Page) key in Cached.Keys)
        {
            if (key.Asid == asid)
                gone.Add(key);
        }
        foreach ((ushort, ulong) key in gone)
            Cached.Remove(key);
    }

    public static void PublishInstructions(FrameAddress frame) => Published.Add(frame.Value);

    public static void Activate(FrameAddress root, ushort asid)
    {
        ActiveRoot = root;
        ActiveAsid = asid;
    }

    /// <summary>
    /// An access of EL0: through a cached translation if there is one, else by a walk that caches what it finds. False: a fault. What
    /// does not fault is where the access lands, right or wrong.
    /// </summary>
    public static bool TryAccess(FrameAddress root, ushort asid, ulong address, UserAccess access, out FrameAddress frame)
    {
        frame = default;
        if (!Cached.TryGetValue((asid, address >> 12), out ulong entry))
        {
            entry = PageTables.Read(root, address);
            if ((entry & PageTableEntry.Valid) == 0)
                return false;
            Cached[(asid, address >> 12)] = entry;
        }
        if (!PageTableEntry.Permits(entry, access))
            return false;
        frame = PageTableEntry.Frame(entry);
        return true;
    }

    /// <summary>All cached translations of an ASID.</summary>
    public static IEnumerable<(ulong Page, ulong Entry)> CachedOf(ushort asid)
    {
        foreach (KeyValuePair<(ushort Asid, ulong Page), ulong> pair in Cached)
        {
            if (pair.Key.Asid == asid)
                yield return (pair.Key.Page, pair.Value);
        }
    }
}
