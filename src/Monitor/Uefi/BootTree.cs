using System;
using System.Buffers.Binary;

namespace BlackBox.Monitor;

/// <summary>The firmware's device tree, made into the one that a boot loader gives: a copy with the command line and the initial RAM disk in
/// /chosen (Devicetree Specification 0.4, chapters 3.6 and 5).</summary>
public static class BootTree
{
    /// <summary>What a copy needs beyond the original, besides the command line.</summary>
    public const int Extra = 256;

    // Words of the header.
    private const int SizeOffset = 4;
    private const int StructureOffset = 8;
    private const int StringsOffset = 12;
    private const int StringsSize = 32;
    private const int StructureSize = 36;

    private const int Property = 3;
    private const int InitrdStartName = 9;
    private const int InitrdEndName = 28;

    private static ReadOnlySpan<byte> Names => "bootargs\0linux,initrd-start\0linux,initrd-end\0"u8;

    /// <summary>Writes the copy. The original loses what an earlier loader has said in /chosen, and whatever would lead Linux to the firmware.</summary>
    /// <param name="source">a device tree, already opened as <paramref name="tree"/></param>
    /// <param name="target">at least the source's size, <see cref="Extra"/> and the command line's length</param>
    /// <param name="commandLine">without NUL</param>
    /// <returns>bytes of the copy, or 0: it does not fit, there is no /chosen, or the blocks are not in the order that the specification wants</returns>
    public static int Write(ReadOnlySpan<byte> source, DeviceTree tree, Span<byte> target, ReadOnlySpan<byte> commandLine, AddressRange initrd)
    {
        int structure = (int)Word(source, StructureOffset);
        int strings = (int)Word(source, StringsOffset);
        int stringsSize = (int)Word(source, StringsSize);
        if (!tree.TryFind("chosen"u8, out DeviceTreeNode chosen) || structure + (int)Word(source, StructureSize) > strings || target.Length - Extra < source.Length + commandLine.Length)
        {
            return 0;
        }

        tree.Remove(chosen, "bootargs"u8);
        tree.Remove(chosen, "linux,initrd-start"u8);
        tree.Remove(chosen, "linux,initrd-end"u8);
        tree.Remove(chosen, "linux,uefi-mmap-start"u8);
        tree.Remove(chosen, "linux,uefi-system-table"u8);

        int split = structure + chosen.Body;
        int end = Append(target, 0, source.Slice(0, split));
        end = AppendProperty(target, end, stringsSize + InitrdStartName, sizeof(ulong));
        BinaryPrimitives.WriteUInt64BigEndian(target.Slice(end), initrd.Start);
        end = AppendProperty(target, end + sizeof(ulong), stringsSize + InitrdEndName, sizeof(ulong));
        BinaryPrimitives.WriteUInt64BigEndian(target.Slice(end), initrd.End);
        end = AppendProperty(target, end + sizeof(ulong), stringsSize, commandLine.Length + 1);
        target.Slice(end, commandLine.Length + 4).Clear();
        end = (Append(target, end, commandLine) + 4) & ~3;
        int added = end - split;
        end = Append(target, end, source.Slice(split, strings + stringsSize - split));
        end = Append(target, end, Names);
        AppendWord(target, SizeOffset, end);
        AppendWord(target, StringsOffset, strings + added);
        AppendWord(target, StringsSize, stringsSize + Names.Length);
        AppendWord(target, StructureSize, (int)Word(source, StructureSize) + added);
        return end;
    }

    private static int AppendProperty(Span<byte> target, int at, int name, int length)
    {
        at = AppendWord(target, at, Property);
        at = AppendWord(target, at, length);
        return AppendWord(target, at, name);
    }

    private static int AppendWord(Span<byte> target, int at, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(target.Slice(at), value);
        return at + sizeof(int);
    }

    private static int Append(Span<byte> target, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target.Slice(at));
        return at + bytes.Length;
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(offset));
}
