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
    public static uint SizeOf(ReadOnlySpan<byte> header)
    {
        if (header.Length < HeaderSize || BinaryPrimitives.ReadUInt32BigEndian(header) != Magic)
        {
            return 0;
        }

        return BinaryPrimitives.ReadUInt32BigEndian(header.Slice(4));
    }

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
        uint version = Word(blob, 20);
        uint compatible = Word(blob, 24);
        uint stringsSize = Word(blob, 32);
        uint structureSize = Word(blob, 36);
        if (version < 17 || compatible > 17 || (structure & 3) != 0
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
        int at = node.Depth == 0 ? 0 : node.Body;
        int depth = node.Depth;
        while (true)
        {
            uint token = Word(_structure, at);
            int next = Skip(at);
            if (token == BeginNode)
            {
                node.Start = at;
                node.Body = next;
                node.Depth = depth + 1;
                return true;
            }

            if (token == EndNode)
            {
                depth--;
            }
            else if (token == End)
            {
                return false;
            }

            at = next;
        }
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
        TryGet(node, name, out Span<byte> value) && value.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(value) : otherwise;

    /// <summary>Is one of the strings in the node's `compatible` equal to <paramref name="text"/>?</summary>
    public bool IsCompatible(DeviceTreeNode node, ReadOnlySpan<byte> text)
    {
        if (!TryGet(node, "compatible"u8, out Span<byte> value))
        {
            return false;
        }

        int start = 0;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == 0)
            {
                if (value.Slice(start, i - start).SequenceEqual(text))
                {
                    return true;
                }

                start = i + 1;
            }
        }

        return false;
    }

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

    private int Find(DeviceTreeNode node, ReadOnlySpan<byte> name)
    {
        int at = node.Body;
        while (true)
        {
            uint token = Word(_structure, at);
            if (token == Property)
            {
                if (Text(_strings, (int)Word(_structure, at + 8)).SequenceEqual(name))
                {
                    return at;
                }
            }
            else if (token != Nop)
            {
                return -1;
            }

            at = Skip(at);
        }
    }

    // Offset of the token after the one at `at`, which IsWellFormed has checked.
    private int Skip(int at)
    {
        switch (Word(_structure, at))
        {
            case BeginNode:
                return Align(at + 4 + Text(_structure, at + 4).Length + 1);
            case Property:
                return Align(at + 12 + (int)Word(_structure, at + 4));
            default:
                return at + 4;
        }
    }

    private bool IsWellFormed()
    {
        int depth = 0;
        int at = 0;
        while (at <= _structure.Length - 4)
        {
            uint token = Word(_structure, at);
            switch (token)
            {
                case BeginNode:
                    if (++depth > MaximumDepth || !IsTerminated(_structure, (uint)at + 4))
                    {
                        return false;
                    }

                    break;
                case EndNode:
                    if (--depth < 0)
                    {
                        return false;
                    }

                    break;
                case Property:
                    if (depth == 0 || at > _structure.Length - 12)
                    {
                        return false;
                    }

                    uint length = Word(_structure, at + 4);
                    if (length > (uint)(_structure.Length - at - 12) || !IsTerminated(_strings, Word(_structure, at + 8)))
                    {
                        return false;
                    }

                    break;
                case Nop:
                    break;
                case End:
                    return depth == 0;
                default:
                    return false;
            }

            at = Skip(at);
        }

        return false;
    }

    private static bool IsTerminated(ReadOnlySpan<byte> text, uint start)
    {
        for (uint i = start; i < (uint)text.Length; i++)
        {
            if (text[(int)i] == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> text, int start)
    {
        int end = start;
        while (text[end] != 0)
        {
            end++;
        }

        return text.Slice(start, end - start);
    }

    private static int Align(int value) => (value + 3) & ~3;

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(offset));
}
