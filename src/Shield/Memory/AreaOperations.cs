namespace BlackBox.Shield;

/// <summary>Splitting and joining areas. Whoever calls has prepared storage for the areas that a split makes (<see cref="Areas.TryPrepare"/>).</summary>
internal static class AreaOperations
{
    /// <summary>Properties that do not keep two areas apart.</summary>
    private const AreaFlags NotCompared = AreaFlags.OwnPages;

    /// <summary>Cuts an area at an address inside it; it keeps the lower part. Returns the upper one.</summary>
    public static int Split(ref AddressSpace space, int index, ulong address)
    {
        if (!Areas.TryAdd(out int upper))
            Panic.Stop(PanicReason.Invariant, "split without storage"u8);
        ref Area area = ref Areas.At(index);
        ref Area rest = ref Areas.At(upper);
        rest.Start = address;
        rest.End = area.End;
        rest.Page = area.PageAt(address);
        rest.Protection = area.Protection;
        rest.Maximum = area.Maximum;
        rest.Flags = area.Flags;
        rest.Object = area.Object;
        rest.Space = area.Space;
        rest.NextFault = area.NextFault;
        rest.FaultWindow = area.FaultWindow;
        space.Areas.SetBorders(index, area.Start, address);
        MemoryObjects.Attach(upper);
        space.Areas.Insert(upper);
        return upper;
    }

    /// <summary>Whether cutting at both borders of [start, end) would exceed the number of areas of a space.</summary>
    public static bool WouldExceed(ref AddressSpace space, int index, ulong start, ulong end)
    {
        ref Area area = ref Areas.At(index);
        return space.Areas.Count >= UserLayout.MaximumAreas && area.Start < start && area.End > end;
    }

    /// <summary>
    /// The part of an area that lies in [start, end) as an area of its own. The part below, if any, keeps the index.
    /// </summary>
    public static int Isolate(ref AddressSpace space, int index, ulong start, ulong end)
    {
        if (Areas.At(index).Start < start)
            index = Split(ref space, index, start);
        if (Areas.At(index).End > end)
            _ = Split(ref space, index, end);
        return index;
    }

    /// <summary>Joins an area with its neighbours where they continue each other. Returns the area that covers its place then.</summary>
    public static int Join(ref AddressSpace space, int index)
    {
        int next = Areas.At(index).Next;
        if (next != 0 && Continues(ref Areas.At(index), ref Areas.At(next)))
            Absorb(ref space, index, next);
        int previous = Areas.At(index).Previous;
        if (previous == 0 || !Continues(ref Areas.At(previous), ref Areas.At(index)))
            return index;
        Absorb(ref space, previous, index);
        return previous;
    }

    /// <summary>Takes an area out of its space and its object and gives it back. Its pages are gone already.</summary>
    public static void Delete(ref AddressSpace space, int index)
    {
        ref Area area = ref Areas.At(index);
        space.Count(ref area, -(long)area.Pages);
        Forget(ref space, index);
    }

    private static bool Continues(ref Area lower, ref Area upper) =>
        lower.End == upper.Start
        && lower.Protection == upper.Protection
        && lower.Maximum == upper.Maximum
        && ((lower.Flags ^ upper.Flags) & ~NotCompared) == 0
        && lower.Object.Is(upper.Object)
        && lower.PageAt(lower.End) == upper.Page;

    private static void Absorb(ref AddressSpace space, int lower, int upper)
    {
        ref Area area = ref Areas.At(lower);
        ref Area rest = ref Areas.At(upper);
        area.Flags |= rest.Flags & NotCompared;
        ulong end = rest.End;
        Forget(ref space, upper);
        space.Areas.SetBorders(lower, area.Start, end);
    }

    private static void Forget(ref AddressSpace space, int index)
    {
        if (space.LastArea == index)
            space.LastArea = 0;
        space.Areas.Remove(index);
        MemoryObjects.Detach(index);
        Areas.Free(index);
    }
}
