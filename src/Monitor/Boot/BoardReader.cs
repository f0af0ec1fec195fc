using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Reads the machine's description and turns it into the one that the OS gets: devices that are not on the allow-list (among them all
/// that do DMA without an IOMMU in front: fw_cfg, virtio-mmio, the ITS, and the SMMU, flash) disappear.</summary>
public static class BoardReader
{
    [InlineArray(40)]
    private struct LevelCells
    {
        private byte _first;
    }

    /// <summary>Reads the tree, removes what the OS shall not see and takes the firmware's seeds out (the values become zero until
    /// <see cref="WriteSeeds"/>).</summary>
    /// <param name="image">an address in the RAM that the monitor occupies</param>
    /// <returns>false: no RAM around <paramref name="image"/>, no CPU, too many CPUs, or cells that do not fit.</returns>
    public static bool TryRead(DeviceTree tree, PhysicalAddress image, ref Board board)
    {
        LevelCells addressCells = default;
        LevelCells sizeCells = default;
        LevelCells isCpuSpace = default;
        isCpuSpace[1] = 1;
        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            int level = node.Depth;
            addressCells[level] = (byte)Math.Min(tree.CellOr(node, "#address-cells"u8, 2), 3);
            sizeCells[level] = (byte)Math.Min(tree.CellOr(node, "#size-cells"u8, 1), 2);
            bool isHere = level > 1 && isCpuSpace[level - 1] != 0;
            if (level > 1)
            {
                isCpuSpace[level] = (byte)(isHere && tree.TryGet(node, "ranges"u8, out Span<byte> ranges) && ranges.Length == 0 ? 1 : 0);
            }

            int parentAddress = level > 1 ? addressCells[level - 1] : 2;
            int parentSize = level > 1 ? sizeCells[level - 1] : 1;
            if (IsType(tree, node, "memory"u8))
            {
                ReadMemory(tree, ref node, image, parentAddress, parentSize, ref board);
            }
            else if (IsType(tree, node, "cpu"u8))
            {
                if (!TryReadCpu(tree, node, parentAddress, ref board))
                {
                    return false;
                }
            }
            else if (level == 2 && tree.NameOf(node).SequenceEqual("chosen"u8))
            {
                ReadChosen(tree, node, ref board);
            }
            else if (isHere && tree.TryGet(node, "reg"u8, out Span<byte> registers))
            {
                ReadDevice(tree, ref node, registers, parentAddress, parentSize, ref board);
            }
        }

        if (board.HasPciWithoutSmmu || board.SmmuHandle == 0 || board.PciSmmuHandle != board.SmmuHandle)
        {
            board.Smmu = default;
        }

        return !board.Ram.IsEmpty && board.CpuCount > 0 && DropDevicesOverRam(ref board);
    }

    /// <summary>Tells the OS its RAM: <paramref name="ram"/> is what is left of the range in which the monitor stands.</summary>
    public static void WriteMemory(DeviceTree tree, AddressRange ram)
    {
        DeviceTreeNode node = default;
        DeviceTreeNode root = default;
        tree.TryNext(ref root);
        int addressCells = (int)Math.Min(tree.CellOr(root, "#address-cells"u8, 2), 3);
        int sizeCells = (int)Math.Min(tree.CellOr(root, "#size-cells"u8, 1), 2);
        while (tree.TryNext(ref node))
        {
            if (IsType(tree, node, "memory"u8) && tree.TryGet(node, "reg"u8, out Span<byte> registers)
                && registers.Length >= 4 * (addressCells + sizeCells))
            {
                WriteCells(registers, addressCells, ram.Start);
                WriteCells(registers.Slice(4 * addressCells), sizeCells, ram.Size);
            }
        }
    }

    /// <summary>Gives the OS seeds of its own, derived by the caller; takes as many bytes as the properties have.</summary>
    /// <returns>bytes used</returns>
    public static int WriteSeeds(DeviceTree tree, ReadOnlySpan<byte> random)
    {
        int used = 0;
        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            if (node.Depth == 2 && tree.NameOf(node).SequenceEqual("chosen"u8))
            {
                used += WriteSeed(tree, node, "rng-seed"u8, random);
                used += WriteSeed(tree, node, "kaslr-seed"u8, random.Slice(used));
            }
        }

        return used;
    }

    /// <summary>Is <paramref name="flag"/> a word of the kernel's command line, as the loader set it?</summary>
    public static bool HasBootFlag(DeviceTree tree, ReadOnlySpan<byte> flag)
    {
        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            if (node.Depth == 2 && tree.NameOf(node).SequenceEqual("chosen"u8) && tree.TryGet(node, "bootargs"u8, out Span<byte> line))
            {
                return HasWord(line, flag);
            }
        }

        return false;
    }

    private static bool HasWord(ReadOnlySpan<byte> line, ReadOnlySpan<byte> word)
    {
        int start = 0;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] is 0 or (byte)' ')
            {
                if (line.Slice(start, i - start).SequenceEqual(word))
                {
                    return true;
                }

                start = i + 1;
            }
        }

        return false;
    }

    private static int WriteSeed(DeviceTree tree, DeviceTreeNode node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> random)
    {
        if (!tree.TryGet(node, name, out Span<byte> value))
        {
            return 0;
        }

        int length = Math.Min(value.Length, random.Length);
        random.Slice(0, length).CopyTo(value);
        return length;
    }

    private static void ReadMemory(DeviceTree tree, ref DeviceTreeNode node, PhysicalAddress image, int addressCells, int sizeCells, ref Board board)
    {
        int entry = 4 * (addressCells + sizeCells);
        bool isOurs = false;
        if (tree.TryGet(node, "reg"u8, out Span<byte> registers))
        {
            for (int i = 0; entry > 0 && i + entry <= registers.Length; i += entry)
            {
                AddressRange range = ReadRange(registers.Slice(i), addressCells, sizeCells);
                if (board.Ram.IsEmpty && range.IsSound && image.Value >= range.Start && image.Value < range.End)
                {
                    board.Ram = range;
                    isOurs = true;
                    registers.Slice(i, entry).CopyTo(registers);
                    registers.Slice(entry).Clear();    // further ranges: size 0
                    break;
                }
            }
        }

        if (!isOurs)
        {
            tree.Remove(ref node);    // RAM outside the frame table is nobody's
        }
    }

    private static bool TryReadCpu(DeviceTree tree, DeviceTreeNode node, int addressCells, ref Board board)
    {
        if (!tree.TryGet(node, "reg"u8, out Span<byte> registers) || registers.Length < 4 * addressCells || board.CpuCount >= (int)Constants.MaximumCpus)
        {
            return false;
        }

        board.Affinities[board.CpuCount++] = ReadCells(registers, addressCells);
        return true;
    }

    private static void ReadChosen(DeviceTree tree, DeviceTreeNode node, ref Board board)
    {
        if (tree.TryGet(node, "linux,initrd-start"u8, out Span<byte> start) && tree.TryGet(node, "linux,initrd-end"u8, out Span<byte> end))
        {
            ulong first = ReadNumber(start);
            ulong last = ReadNumber(end);
            board.Initrd = new AddressRange { Start = first, Size = last > first ? last - first : 0 };
        }

        TakeSeed(tree, node, "rng-seed"u8, ref board);
        TakeSeed(tree, node, "kaslr-seed"u8, ref board);
    }

    private static void TakeSeed(DeviceTree tree, DeviceTreeNode node, ReadOnlySpan<byte> name, ref Board board)
    {
        if (tree.TryGet(node, name, out Span<byte> value))
        {
            int length = Math.Min(value.Length, Board.MaximumSeed - board.SeedLength);
            for (int i = 0; i < length; i++)
            {
                board.Seed[board.SeedLength++] = value[i];
            }

            value.Clear();
        }
    }

    private static void ReadDevice(DeviceTree tree, ref DeviceTreeNode node, ReadOnlySpan<byte> registers, int addressCells, int sizeCells, ref Board board)
    {
        bool isPci = tree.IsCompatible(node, "pci-host-ecam-generic"u8);
        bool isController = tree.IsCompatible(node, "arm,gic-v3"u8);
        bool isConsole = tree.IsCompatible(node, "arm,pl011"u8);
        if (tree.IsCompatible(node, "arm,smmu-v3"u8))
        {
            ReadSmmu(tree, node, registers, addressCells, sizeCells, ref board);
        }

        if (!isPci && !isController && !isConsole && !tree.IsCompatible(node, "arm,pl031"u8) && !tree.IsCompatible(node, "arm,pl061"u8))
        {
            tree.Remove(ref node);
            return;
        }

        int entry = 4 * (addressCells + sizeCells);
        for (int i = 0; entry > 0 && i + entry <= registers.Length; i += entry)
        {
            AddressRange range = ReadRange(registers.Slice(i), addressCells, sizeCells);
            if (isController && i == entry)
            {
                board.Redistributors = range;    // not as a whole: Startup
                continue;
            }

            AddDevice(range, ref board);
            if (isConsole && board.Console.IsEmpty)
            {
                board.Console = range;
            }
        }

        if (isPci)
        {
            ReadWindows(tree, node, addressCells, ref board);
            ReadIommuMap(tree, node, ref board);
            // They point to the SMMU and the ITS, which are hidden.
            tree.Remove(node, "iommu-map"u8);
            tree.Remove(node, "iommu-map-mask"u8);
            tree.Remove(node, "msi-map"u8);
            tree.Remove(node, "msi-map-mask"u8);
            tree.Remove(node, "msi-parent"u8);
        }
    }

    private static void ReadSmmu(DeviceTree tree, DeviceTreeNode node, ReadOnlySpan<byte> registers, int addressCells, int sizeCells, ref Board board)
    {
        uint handle = tree.CellOr(node, "phandle"u8, 0);
        if (board.SmmuHandle == 0 && handle != 0 && registers.Length >= 4 * (addressCells + sizeCells))
        {
            board.Smmu = ReadRange(registers, addressCells, sizeCells);
            board.SmmuHandle = handle;
        }
    }

    // Entries of four cells: requester, phandle, stream, length (Linux, Documentation/devicetree/bindings/pci/pci-iommu.txt). Which stream is
    // whose does not matter: all are treated alike.
    private static void ReadIommuMap(DeviceTree tree, DeviceTreeNode node, ref Board board)
    {
        uint handle = tree.TryGet(node, "iommu-map"u8, out Span<byte> map) && map.Length == 16 ? BinaryPrimitives.ReadUInt32BigEndian(map.Slice(4)) : 0;
        board.HasPciWithoutSmmu |= handle == 0 || (board.PciSmmuHandle != 0 && board.PciSmmuHandle != handle);
        board.PciSmmuHandle = handle;
    }

    // `ranges` of a PCI host bridge: three cells of PCI address, the CPU address, two cells of size (IEEE 1275 PCI binding).
    private static void ReadWindows(DeviceTree tree, DeviceTreeNode node, int addressCells, ref Board board)
    {
        int entry = 4 * (3 + addressCells + 2);
        if (tree.TryGet(node, "ranges"u8, out Span<byte> windows))
        {
            for (int i = 0; i + entry <= windows.Length; i += entry)
            {
                AddDevice(ReadRange(windows.Slice(i + 12), addressCells, 2), ref board);
            }
        }
    }

    // Page-aligned, inside the IPA space, away from what the monitor puts there itself.
    private static void AddDevice(AddressRange range, ref Board board)
    {
        ulong mask = FrameNumber.Size - 1;
        AddressRange gate = new() { Start = AbiConstants.GateIpa, Size = 2 * FrameNumber.Size };    // and AuditIpa
        if (range.IsEmpty || ((range.Start | range.Size) & mask) != 0 || !range.IsSound
            || range.End > 1UL << IntermediateAddress.Bits || range.Overlaps(gate) || board.DeviceCount >= Board.MaximumDevices)
        {
            return;
        }

        for (int i = 0; i < board.DeviceCount; i++)
        {
            if (board.Devices[i].Overlaps(range))
            {
                return;
            }
        }

        board.Devices[board.DeviceCount++] = range;
    }

    private static bool DropDevicesOverRam(ref Board board)
    {
        int kept = 0;
        for (int i = 0; i < board.DeviceCount; i++)
        {
            if (!board.Devices[i].Overlaps(board.Ram))
            {
                board.Devices[kept++] = board.Devices[i];
            }
        }

        board.DeviceCount = kept;
        return true;
    }

    private static bool IsType(DeviceTree tree, DeviceTreeNode node, ReadOnlySpan<byte> type) =>
        tree.TryGet(node, "device_type"u8, out Span<byte> value) && value.Length == type.Length + 1 && value.Slice(0, type.Length).SequenceEqual(type);

    private static AddressRange ReadRange(ReadOnlySpan<byte> cells, int addressCells, int sizeCells) => new()
    {
        Start = ReadCells(cells, addressCells),
        Size = ReadCells(cells.Slice(4 * addressCells), sizeCells),
    };

    private static ulong ReadNumber(ReadOnlySpan<byte> value) => ReadCells(value, Math.Min(value.Length / 4, 2));

    private static ulong ReadCells(ReadOnlySpan<byte> cells, int count)
    {
        ulong value = 0;
        for (int i = 0; i < count; i++)
        {
            value = (value << 32) | BinaryPrimitives.ReadUInt32BigEndian(cells.Slice(4 * i));
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
}
