namespace BlackBox.Shield;

/// <summary>
/// The areas of an address space ordered by address: a treap (every node's priority is at least its children's), threaded as a
/// list, and augmented with the widest hole of each subtree so that room is found in logarithmic time.
/// A value of this struct is the root; nodes live in the pool of areas.
/// </summary>
internal struct AreaTree
{
    private int _root;
    private int _first;
    private int _last;

    /// <summary>Areas in it.</summary>
    public int Count;

    /// <summary>Area with the lowest address, 0 if none.</summary>
    public readonly int First => _first;

    /// <summary>Area with the highest address, 0 if none.</summary>
    public readonly int Last => _last;

    /// <summary>The first area that ends after <paramref name="address"/> (Linux: find_vma); 0 if none. It need not contain the address.</summary>
    public readonly int Find(ulong address)
    {
        int found = 0;
        int node = _root;
        while (node != 0)
        {
            ref Area area = ref Areas.At(node);
            if (area.End > address)
            {
                found = node;
                if (area.Start <= address)
                    break;
                node = area.Left;
            }
            else
            {
                node = area.Right;
            }
        }
        return found;
    }

    /// <summary>The area that contains <paramref name="address"/>, or 0.</summary>
    public readonly int Containing(ulong address)
    {
        int found = Find(address);
        return found != 0 && Areas.At(found).Start <= address ? found : 0;
    }

    /// <summary>Whether any area has a page in [start, end).</summary>
    public readonly bool Intersects(ulong start, ulong end)
    {
        int found = Find(start);
        return found != 0 && Areas.At(found).Start < end;
    }

    /// <summary>Puts in a node whose Start and End are set and overlap no other.</summary>
    public void Insert(int node)
    {
        ref Area area = ref Areas.At(node);
        int next = Find(area.Start);
        int previous = next != 0 ? Areas.At(next).Previous : _last;
        area.Previous = previous;
        area.Next = next;
        area.Left = 0;
        area.Right = 0;
        area.Priority = Mix((uint)node);
        if (previous != 0)
            Areas.At(previous).Next = node;
        else
            _first = node;
        if (next != 0)
            Areas.At(next).Previous = node;
        else
            _last = node;

        _root = InsertAt(_root, node);
        Count++;
        if (next != 0)
            RefreshGap(next);
    }

    /// <summary>Takes a node out; it stays allocated.</summary>
    public void Remove(int node)
    {
        ref Area area = ref Areas.At(node);
        _root = RemoveAt(_root, node, area.Start);
        if (area.Previous != 0)
            Areas.At(area.Previous).Next = area.Next;
        else
            _first = area.Next;
        if (area.Next != 0)
            Areas.At(area.Next).Previous = area.Previous;
        else
            _last = area.Previous;
        Count--;
        if (area.Next != 0)
            RefreshGap(area.Next);
        area.Left = area.Right = area.Previous = area.Next = 0;
    }

    /// <summary>Moves the borders of a node without changing the order.</summary>
    public readonly void SetBorders(int node, ulong start, ulong end)
    {
        ref Area area = ref Areas.At(node);
        area.Start = start;
        area.End = end;
        RefreshGap(node);
        if (area.Next != 0)
            RefreshGap(area.Next);
    }

    /// <summary>After a change of the node's lower bound: brings the widest holes on the path to it up to date.</summary>
    public readonly void RefreshGap(int node) => RefreshPath(_root, Areas.At(node).Start);

    /// <summary>The highest free range of <paramref name="bytes"/> inside [low, high). False when there is none.</summary>
    public readonly bool TryFindGap(ulong bytes, ulong low, ulong high, out ulong start)
    {
        start = 0;
        if (high < low || high - low < bytes)
            return false;

        // Above the last area.
        ulong top = _last != 0 ? Areas.At(_last).End : 0;
        if (top < low)
            top = low;
        if (top <= high && high - top >= bytes)
        {
            start = high - bytes;
            return true;
        }
        return GapIn(_root, bytes, low, high, ref start);
    }

    private static bool GapIn(int node, ulong bytes, ulong low, ulong high, ref ulong start)
    {
        if (node == 0)
            return false;
        ref Area area = ref Areas.At(node);
        if (area.MaximumGap < bytes)
            return false;

        // Holes of the right subtree start at or above this area's end, those of the left end at or below its predecessor's start.
        if (area.End <= high && high - area.End >= bytes && GapIn(area.Right, bytes, low, high, ref start))
            return true;
        ulong from = area.Previous != 0 ? Areas.At(area.Previous).End : 0;
        if (from < low)
            from = low;
        ulong to = area.LowerBound < high ? area.LowerBound : high;
        if (to >= from && to - from >= bytes)
        {
            start = to - bytes;
            return true;
        }
        return area.Start > low && GapIn(area.Left, bytes, low, high, ref start);
    }

    private static ulong GapBelow(ref Area area)
    {
        ulong from = area.Previous != 0 ? Areas.At(area.Previous).End : 0;
        ulong to = area.LowerBound;
        return to > from ? to - from : 0;
    }

    private static void Update(ref Area area)
    {
        ulong gap = GapBelow(ref area);
        if (area.Left != 0)
        {
            ulong left = Areas.At(area.Left).MaximumGap;
            if (left > gap)
                gap = left;
        }
        if (area.Right != 0)
        {
            ulong right = Areas.At(area.Right).MaximumGap;
            if (right > gap)
                gap = right;
        }
        area.MaximumGap = gap;
    }

    private static void RefreshPath(int node, ulong start)
    {
        if (node == 0)
            return;
        ref Area area = ref Areas.At(node);
        if (start < area.Start)
            RefreshPath(area.Left, start);
        else if (start > area.Start)
            RefreshPath(area.Right, start);
        Update(ref area);
    }

    private static int InsertAt(int root, int node)
    {
        ref Area area = ref Areas.At(node);
        if (root == 0)
        {
            Update(ref area);
            return node;
        }
        ref Area parent = ref Areas.At(root);
        if (area.Priority > parent.Priority)
        {
            Split(root, area.Start, out area.Left, out area.Right);
            Update(ref area);
            return node;
        }
        if (area.Start < parent.Start)
            parent.Left = InsertAt(parent.Left, node);
        else
            parent.Right = InsertAt(parent.Right, node);
        Update(ref parent);
        return root;
    }

    private static int RemoveAt(int root, int node, ulong start)
    {
        ref Area parent = ref Areas.At(root);
        if (root == node)
            return Merge(parent.Left, parent.Right);
        if (start < parent.Start)
            parent.Left = RemoveAt(parent.Left, node, start);
        else
            parent.Right = RemoveAt(parent.Right, node, start);
        Update(ref parent);
        return root;
    }

    private static void Split(int root, ulong start, out int left, out int right)
    {
        if (root == 0)
        {
            left = 0;
            right = 0;
            return;
        }
        ref Area area = ref Areas.At(root);
        if (area.Start < start)
        {
            Split(area.Right, start, out area.Right, out right);
            left = root;
        }
        else
        {
            Split(area.Left, start, out left, out area.Left);
            right = root;
        }
        Update(ref area);
    }

    private static int Merge(int left, int right)
    {
        if (left == 0)
            return right;
        if (right == 0)
            return left;
        ref Area low = ref Areas.At(left);
        ref Area high = ref Areas.At(right);
        if (low.Priority > high.Priority)
        {
            low.Right = Merge(low.Right, right);
            Update(ref low);
            return left;
        }
        high.Left = Merge(left, high.Left);
        Update(ref high);
        return right;
    }

    /// <summary>A fixed permutation of the indices (32-bit finaliser of MurmurHash3): balance needs no secret.</summary>
    private static uint Mix(uint value)
    {
        unchecked
        {
            value ^= value >> 16;
            value *= 0x85EBCA6B;
            value ^= value >> 13;
            value *= 0xC2B2AE35;
            return value ^ (value >> 16);
        }
    }
}
