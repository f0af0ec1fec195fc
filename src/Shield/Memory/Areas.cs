using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>
/// Storage of all areas of the enclave: fixed entries in frames, named by an index from 1 on. Like <see cref="Pool{T}"/>, but without
/// generations: an index never leaves the address space that owns it, and a search touches many of them.
/// </summary>
internal static class Areas
{
    /// <summary>log2 of the bytes of an entry.</summary>
    private const int EntryShift = 7;

    private const int FrameShift = 12 - EntryShift;
    private const int TableShift = 9;
    private const int TableMask = (1 << TableShift) - 1;

    /// <summary>Frame of the directory's first level.</summary>
    private static ulong _root;

    /// <summary>Entries that have storage, the unused entry 0 included.</summary>
    private static int _capacity;

    /// <summary>Frames of entries that are found without the directory.</summary>
    private const int FirstFrames = 16;

    [InlineArray(FirstFrames)]
    private struct FirstPages
    {
        private ulong _address;
    }

    private static FirstPages _first;
    private static int _firstFree;
    private static int _used;

    /// <summary>Areas in use.</summary>
    public static int Count => _used;

    /// <summary>The area with index <paramref name="index"/>.</summary>
    public static ref Area At(int index)
    {
        if ((uint)index >= (uint)_capacity)
            Panic.Stop(PanicReason.Invariant, "area index"u8);
        int frame = index >> FrameShift;
        int offset = (index & ((1 << FrameShift) - 1)) << EntryShift;
        ulong page = frame < FirstFrames ? _first[frame] : Entries(Entries(_root)[frame >> TableShift])[frame & TableMask];
        return ref Hardware.Reference<Area>(page + (ulong)offset);
    }

    /// <summary>A zeroed area. False: no frame free.</summary>
    public static bool TryAdd(out int index)
    {
        index = 0;
        if (_firstFree == 0 && !TryGrow())
            return false;
        index = _firstFree;
        ref Area area = ref At(index);
        _firstFree = area.Next;
        area = default;
        _used++;
        return true;
    }

    /// <summary>Gives an area back that is in no tree and no list.</summary>
    public static void Free(int index)
    {
        ref Area area = ref At(index);
        area = default;
        area.Next = _firstFree;
        _firstFree = index;
        _used--;
    }

    /// <summary>Whether <paramref name="count"/> areas can be added without memory, or room made for them now.</summary>
    public static bool TryPrepare(int count)
    {
        int free = _capacity - _used - 1;
        return free >= count || (TryGrow() && (1 << FrameShift) >= count);
    }

    /// <summary>Forgets everything: for tests, which start with new memory.</summary>
    internal static void Reset()
    {
        _root = 0;
        _first = default;
        _capacity = 0;
        _firstFree = 0;
        _used = 0;
    }

    private static bool TryGrow()
    {
        if (Unsafe.SizeOf<Area>() > 1 << EntryShift)
            Panic.Stop(PanicReason.Invariant, "area too large"u8);
        int frame = _capacity >> FrameShift;
        if (frame >> (2 * TableShift) != 0)
            return false;
        if (_root == 0)
        {
            if (!Frames.TryAllocate(out FrameAddress root))
                return false;
            _root = root.Value;
        }
        if (Entries(_root)[frame >> TableShift] == 0)
        {
            if (!Frames.TryAllocate(out FrameAddress table))
                return false;
            Entries(_root)[frame >> TableShift] = table.Value;
        }
        if (!Frames.TryAllocate(out FrameAddress page))
            return false;
        Entries(Entries(_root)[frame >> TableShift])[frame & TableMask] = page.Value;
        if (frame < FirstFrames)
            _first[frame] = page.Value;

        int first = _capacity == 0 ? 1 : _capacity;
        _capacity += 1 << FrameShift;
        for (int i = _capacity - 1; i >= first; i--)
        {
            At(i).Next = _firstFree;
            _firstFree = i;
        }
        return true;
    }

    private static System.Span<ulong> Entries(ulong frame) => Hardware.Words(frame);
}
