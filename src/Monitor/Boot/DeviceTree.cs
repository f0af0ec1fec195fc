using System;
using System.Buffers.Binary;

namespace BlackBox.Monitor;

/// <summary>A node found by <see cref="DeviceTree.TryNext"/>. Starts as default: before the root.</summary>
public struct DeviceTreeNode
{
    /// <summary>Offset of the node's FDT_BEGIN_NODE in the blob.</summary>
    internal int Start;

    /// <summary>Offset of the first token after its name.</summary>
    internal int Body;

    /// <summary>1 for the root, 2 for its children; 0 before the first node.</summary>
    public int Depth;
}

/// <summary>A flattened device tree (Devicetree Specification 0.4, chapter 5), read and edited in place: nothing grows or moves, what is
/// removed becomes FDT_NOP. The blob comes from the firmware or loader; a malformed one is refused, never followed out of bounds.</summary>
public readonly ref struct DeviceTree
{
    private const uint Magic = 0xd00dfeed;
    private const uint BeginNode = 1;
    private const uint EndNode = 2;
    private const uint Property = 3;
    private const uint Nop = 4;
    private const uint End = 9;
    private const int HeaderSize = 40;
    private const int MaximumDepth = 32;

    private readonly Span<byte> _structure;
    private readonly ReadOnlySpan<byte> _strings;

    private DeviceTree(Span<byte> structure, ReadOnlySpan<byte> strings)
    {
        _structure = structure;
        _strings = strings;
    }

    /// <summary>Size in bytes that the header at the start of <paramref name="header"/> states, or 0 if it is none.</summary>
    public static uint SizeOf(ReadOnlySpan<byte> header) => header.Length >= HeaderSize && Word(header, 0) == Magic ? Word(header, 4) : 0;

    /// <summary>Opens a blob and checks its whole structure once.</summary>
    public static bool TryOpen(Span<byte> blob, out DeviceTree tree)
    {
        tree = default;
        uint size = SizeOf(blob);
        if (size < HeaderSize || size > (uint)blob.Length)
        {
            return false;
        }

        uint structure = Word(blob, 8);
        uint strings = Word(blob, 12);
        uint stringsSize = Word(blob, 32);
        uint structureSize = Word(blob, 36);
        bool isVersion17 = Word(blob, 20) >= 17 && Word(blob, 24) <= 17;
        if (!isVersion17 || (structure & 3) != 0
            || structure > size || structureSize > size - structure || strings > size || stringsSize > size - strings)
        {
            return false;
        }

        tree = new DeviceTree(blob.Slice((int)structure, (int)structureSize & ~3), blob.Slice((int)strings, (int)stringsSize));
        return tree.IsWellFormed();
    }

    /// <summary>Goes to the next node in document order.</summary>
    public bool TryNext(ref DeviceTreeNode node)
    {
        int depth = node.Depth;
        for (int at = node.Body; ; at = Skip(at))
        {
            switch (Word(_structure, at))
            {
                case BeginNode:
                    node = new DeviceTreeNode { Start = at, Body = Skip(at), Depth = depth + 1 };
                    return true;
                case EndNode:
                    depth--;
                    break;
                case End:
                    return false;
            }
        }
    }

    /// <summary>Finds a child of the root.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out DeviceTreeNode node)
    {
        node = default;
        while (TryNext(ref node))
        {
            if (node.Depth == 2 && NameOf(node).SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The node in which a node stands; false for the root.</summary>
    public bool TryParent(DeviceTreeNode node, out DeviceTreeNode parent)
    {
        parent = default;
        DeviceTreeNode at = default;
        while (TryNext(ref at) && at.Start < node.Start)
        {
            parent = at.Depth == node.Depth - 1 ? at : parent;
        }

        return parent.Depth != 0;
    }

    /// <summary>Name with unit address; empty for the root.</summary>
    public ReadOnlySpan<byte> NameOf(DeviceTreeNode node) => Text(_structure, node.Start + 4);

    /// <summary>Value of a property of a node, writable in place.</summary>
    public bool TryGet(DeviceTreeNode node, ReadOnlySpan<byte> name, out Span<byte> value)
    {
        int at = Find(node, name);
        value = at < 0 ? default : _structure.Slice(at + 12, (int)Word(_structure, at + 4));
        return at >= 0;
    }

    /// <summary>A property that is one big-endian 32-bit cell.</summary>
    public uint CellOr(DeviceTreeNode node, ReadOnlySpan<byte> name, uint otherwise) =>
        TryGet(node, name, out Span<byte> value) && value.Length == 4 ? Word(value, 0) : otherwise;

    /// <summary>Is one of the strings in the node's `compatible` equal to <paramref name="text"/>?</summary>
    public bool IsCompatible(DeviceTreeNode node, ReadOnlySpan<byte> text) => HasWord(node, "compatible"u8, text);

    /// <summary>Is one of the words of a property equal to <paramref name="word"/>? They end with NUL or space.</summary>
    public bool HasWord(DeviceTreeNode node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> word)
    {
        TryGet(node, name, out Span<byte> value);
        for (int end = value.IndexOfAny((byte)0, (byte)' '); end >= 0; end = value.IndexOfAny((byte)0, (byte)' '))
        {
            if (value.Slice(0, end).SequenceEqual(word))
            {
                return true;
            }

            value = value.Slice(end + 1);
        }

        return false;
    }

    /// <summary>Is the node's `device_type` this?</summary>
    public bool IsType(DeviceTreeNode node, ReadOnlySpan<byte> type) => HasWord(node, "device_type"u8, type);

    /// <summary>Entry of a node's `reg`, in units of the node around it, or of its `ranges`: the side of the node around it.</summary>
    /// <param name="childCells">0 for `reg`; for `ranges` the cells of an address inside the node</param>
    /// <returns>false: there are no more</returns>
    public bool TryGetRange(DeviceTreeNode node, ReadOnlySpan<byte> name, int index, out AddressRange range, int childCells = 0)
    {
        TryParent(node, out DeviceTreeNode parent);
        int addressCells = AddressCells(parent);
        int sizeCells = SizeCells(childCells == 0 ? parent : node);
        int entry = 4 * (childCells + addressCells + sizeCells);
        range = default;
        if (entry == 0 || !TryGet(node, name, out Span<byte> value) || index >= value.Length / entry)
        {
            return false;
        }

        value = value.Slice((index * entry) + (4 * childCells));
        range.Start = ReadCells(value, addressCells);
        range.Size = ReadCells(value.Slice(4 * addressCells), sizeCells);
        return true;
    }

    /// <summary>Makes this range the only one of a node's `reg`, which must have room for it; what else it had becomes empty.</summary>
    public void SetRange(DeviceTreeNode node, AddressRange range)
    {
        TryParent(node, out DeviceTreeNode parent);
        int addressCells = AddressCells(parent);
        TryGet(node, "reg"u8, out Span<byte> value);
        value.Clear();
        WriteCells(value, addressCells, range.Start);
        WriteCells(value.Slice(4 * addressCells), SizeCells(parent), range.Size);
    }

    /// <summary>The RAM around an address, and the node that tells of it.</summary>
    public bool TryFindRam(ulong address, out DeviceTreeNode node, out AddressRange ram)
    {
        node = default;
        while (TryNext(ref node))
        {
            for (int i = 0; IsType(node, "memory"u8) && TryGetRange(node, "reg"u8, i, out ram); i++)
            {
                if (ram.IsSound && address >= ram.Start && address < ram.End)
                {
                    return true;
                }
            }
        }

        ram = default;
        return false;
    }

    /// <summary>A property of /chosen; empty if there is none.</summary>
    public Span<byte> Chosen(ReadOnlySpan<byte> name)
    {
        TryFind("chosen"u8, out DeviceTreeNode chosen);
        TryGet(chosen, name, out Span<byte> value);
        return value;
    }

    /// <summary>A number of as many cells as the property has, at most two.</summary>
    public static ulong ReadNumber(ReadOnlySpan<byte> value) => ReadCells(value, Math.Min(value.Length / 4, 2));

    /// <summary>Removes a property, if it is there.</summary>
    public void Remove(DeviceTreeNode node, ReadOnlySpan<byte> name)
    {
        int at = Find(node, name);
        if (at >= 0)
        {
            Erase(at, Skip(at));
        }
    }

    /// <summary>Removes a node and everything in it. The node stays good as a starting point for <see cref="TryNext"/>.</summary>
    public void Remove(ref DeviceTreeNode node)
    {
        int depth = 0;
        int at = node.Start;
        do
        {
            uint token = Word(_structure, at);
            depth += token == BeginNode ? 1 : token == EndNode ? -1 : 0;
            at = Skip(at);
        }
        while (depth > 0);
        Erase(node.Start, at);
        node.Depth--;
    }

    private void Erase(int from, int to)
    {
        for (int i = from; i < to; i += 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(_structure.Slice(i), Nop);
        }
    }

    private int AddressCells(DeviceTreeNode node) => (int)Math.Min(CellOr(node, "#address-cells"u8, 2), 3);

    private int SizeCells(DeviceTreeNode node) => (int)Math.Min(CellOr(node, "#size-cells"u8, 1), 2);

    private int Find(DeviceTreeNode node, ReadOnlySpan<byte> name)
    {
        for (int at = node.Body; Word(_structure, at) is Property or Nop; at = Skip(at))
        {
            if (Word(_structure, at) == Property && Text(_strings, (int)Word(_structure, at + 8)).SequenceEqual(name))
            {
                return at;
            }
        }

        return -1;
    }

    // Offset of the token after the one at `at`, which IsWellFormed has checked.
    private int Skip(int at) => Word(_structure, at) switch
    {
        BeginNode => Align(at + 4 + Text(_structure, at + 4).Length + 1),
        Property => Align(at + 12 + (int)Word(_structure, at + 4)),
        _ => at + 4,
    };

    private bool IsWellFormed()
    {
        int depth = 0;
        for (int at = 0; at <= _structure.Length - 4; at = Skip(at))
        {
            switch (Word(_structure, at))
            {
                case BeginNode when depth < MaximumDepth && IsTerminated(_structure, (uint)at + 4):
                    depth++;
                    break;
                case EndNode when depth > 0:
                    depth--;
                    break;
                case Property when depth > 0 && at <= _structure.Length - 12 && Word(_structure, at + 4) <= (uint)(_structure.Length - at - 12)
                    && IsTerminated(_strings, Word(_structure, at + 8)):
                case Nop:
                    break;
                case End:
                    return depth == 0;
                default:
                    return false;
            }
        }

        return false;
    }

    private static bool IsTerminated(ReadOnlySpan<byte> text, uint start) => start < (uint)text.Length && text.Slice((int)start).IndexOf((byte)0) >= 0;

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> text, int start) => text.Slice(start, text.Slice(start).IndexOf((byte)0));

    private static ulong ReadCells(ReadOnlySpan<byte> cells, int count)
    {
        ulong value = 0;
        for (int i = 0; i < count; i++)
        {
            value = (value << 32) | Word(cells, 4 * i);
        }

        return value;
    }

    private static void WriteCells(Span<byte> cells, int count, ulong value)
    {
        for (int i = count - 1; i >= 0; i--)
        {
            BinaryPrimitives.WriteUInt32BigEndian(cells.Slice(4 * i), (uint)value);
            value >>= 32;
        }
    }

    private static int Align(int value) => (value + 3) & ~3;

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(offset));
}
