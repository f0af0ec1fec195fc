using System;
using System.Buffers.Binary;

namespace BlackBox.Monitor;

/// <summary>The firmware's device tree, made into the one that a boot loader gives: a copy with the command line and the initial RAM disk in
/// /chosen (Devicetree Specification 0.4, chapters 3.6 and 5).</summary>
public static class BootTree
{
    /// <summary>What a copy needs beyond the original, besides the command line.</summary>
    public const int Extra = 256;

    private const int HeaderSize = 40;
    private const uint BeginNode = 1;
    private const uint EndNode = 2;
    private const uint Property = 3;

    private static ReadOnlySpan<byte> Names => "bootargs\0linux,initrd-start\0linux,initrd-end\0"u8;

    /// <summary>The RAM around an address, empty if there is none. Understands two address and two size cells, as all 64-bit machines have.</summary>
    public static AddressRange MemoryAround(DeviceTree tree, ulong address)
    {
        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            if (node.Depth != 2 || !tree.NameOf(node).StartsWith("memory"u8) || !tree.TryGet(node, "reg"u8, out Span<byte> cells))
            {
                continue;
            }

            for (int i = 0; i + 16 <= cells.Length; i += 16)
            {
                AddressRange range = new()
                {
                    Start = BinaryPrimitives.ReadUInt64BigEndian(cells.Slice(i)),
                    Size = BinaryPrimitives.ReadUInt64BigEndian(cells.Slice(i + 8)),
                };
                if (range.IsSound && address >= range.Start && address < range.End)
                {
                    return range;
                }
            }
        }

        return default;
    }

    /// <summary>Writes the copy. The original loses what an earlier loader has said in /chosen, and whatever would lead Linux to the firmware.</summary>
    /// <param name="source">a device tree, already opened as <paramref name="tree"/></param>
    /// <param name="target">at least the source's size, <see cref="Extra"/> and the command line's length</param>
    /// <param name="commandLine">without NUL</param>
    /// <returns>bytes of the copy, or 0: it does not fit</returns>
    public static int Write(ReadOnlySpan<byte> source, DeviceTree tree, Span<byte> target, ReadOnlySpan<byte> commandLine, AddressRange initrd)
    {
        if (!TryFindChosen(tree, out DeviceTreeNode chosen, out int firstChild))
        {
            return 0;
        }

        bool exists = chosen.Depth != 0;
        if (exists)
        {
            Forget(tree, chosen);
        }

        ReadOnlySpan<byte> reservations = Reservations(source);
        ReadOnlySpan<byte> structure = source.Slice((int)Word(source, 8), (int)Word(source, 36) & ~3);
        ReadOnlySpan<byte> strings = source.Slice((int)Word(source, 12), (int)Word(source, 32));
        int at = exists ? chosen.Body : firstChild;
        if (target.Length - Extra < HeaderSize + reservations.Length + structure.Length + strings.Length + commandLine.Length)
        {
            return 0;
        }

        target.Slice(0, HeaderSize).Clear();
        int end = Append(target, HeaderSize, reservations);
        int structureStart = end;
        end = Append(target, end, structure.Slice(0, at));
        if (!exists)
        {
            end = AppendWord(target, end, BeginNode);
            end = Append(target, end, "chosen\0\0"u8);
        }

        uint name = (uint)strings.Length;
        end = AppendProperty(target, end, name, commandLine.Length + 1);
        int text = end;
        end = Append(target, end, commandLine);
        do
        {
            target[end++] = 0;
        }
        while (((end - text) & 3) != 0);
        end = AppendProperty(target, end, name + 9, sizeof(ulong));
        BinaryPrimitives.WriteUInt64BigEndian(target.Slice(end), initrd.Start);
        end = AppendProperty(target, end + sizeof(ulong), name + 28, sizeof(ulong));
        BinaryPrimitives.WriteUInt64BigEndian(target.Slice(end), initrd.End);
        end += sizeof(ulong);
        if (!exists)
        {
            end = AppendWord(target, end, EndNode);
        }

        end = Append(target, end, structure.Slice(at));
        int stringsStart = end;
        end = Append(target, end, strings);
        end = Append(target, end, Names);
        WriteHeader(source, target, structureStart, stringsStart, end);
        return end;
    }

    private static void WriteHeader(ReadOnlySpan<byte> source, Span<byte> target, int structure, int strings, int end)
    {
        int at = AppendWord(target, 0, Word(source, 0));
        at = AppendWord(target, at, (uint)end);
        at = AppendWord(target, at, (uint)structure);
        at = AppendWord(target, at, (uint)strings);
        at = AppendWord(target, at, HeaderSize);
        at = AppendWord(target, at, 17);
        at = AppendWord(target, at, 16);
        at = AppendWord(target, at, Word(source, 28));    // the CPU that runs
        at = AppendWord(target, at, (uint)(end - strings));
        AppendWord(target, at, (uint)(strings - structure));
    }

    // Depth 0 in `chosen`: there is none; firstChild is where it can be put.
    private static bool TryFindChosen(DeviceTree tree, out DeviceTreeNode chosen, out int firstChild)
    {
        chosen = default;
        firstChild = 0;
        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            if (node.Depth == 2 && firstChild == 0)
            {
                firstChild = node.Start;
            }

            if (node.Depth == 2 && tree.NameOf(node).SequenceEqual("chosen"u8))
            {
                chosen = node;
                return true;
            }
        }

        return firstChild != 0;
    }

    private static void Forget(DeviceTree tree, DeviceTreeNode chosen)
    {
        tree.Remove(chosen, "bootargs"u8);
        tree.Remove(chosen, "linux,initrd-start"u8);
        tree.Remove(chosen, "linux,initrd-end"u8);
        tree.Remove(chosen, "linux,uefi-system-table"u8);
        tree.Remove(chosen, "linux,uefi-mmap-start"u8);
        tree.Remove(chosen, "linux,uefi-mmap-size"u8);
        tree.Remove(chosen, "linux,uefi-mmap-desc-size"u8);
        tree.Remove(chosen, "linux,uefi-mmap-desc-ver"u8);
    }

    // With the entry of zeros that ends it; empty ones if the block is damaged.
    private static ReadOnlySpan<byte> Reservations(ReadOnlySpan<byte> source)
    {
        uint start = Word(source, 16);
        for (uint at = start; (start & 7) == 0 && start < (uint)source.Length && at + 16 <= (uint)source.Length; at += 16)
        {
            ReadOnlySpan<byte> entry = source.Slice((int)at, 16);
            if (BinaryPrimitives.ReadUInt64BigEndian(entry) == 0 && BinaryPrimitives.ReadUInt64BigEndian(entry.Slice(8)) == 0)
            {
                return source.Slice((int)start, (int)(at + 16 - start));
            }
        }

        return "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"u8;
    }

    private static int AppendProperty(Span<byte> target, int at, uint name, int length)
    {
        at = AppendWord(target, at, Property);
        at = AppendWord(target, at, (uint)length);
        return AppendWord(target, at, name);
    }

    private static int AppendWord(Span<byte> target, int at, uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(target.Slice(at), value);
        return at + sizeof(uint);
    }

    private static int Append(Span<byte> target, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target.Slice(at));
        return at + bytes.Length;
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(offset));
}
