using System;
using System.Buffers.Binary;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Reads the machine's description and turns it into the one that the OS gets: devices that are not on the allow-list (among them all
/// that do DMA without an IOMMU in front: fw_cfg, virtio-mmio, the ITS, and the SMMU, flash) disappear.</summary>
public static class BoardReader
{
    /// <summary>Reads the tree and removes devices that the OS shall not see, and buses that translate addresses with all on them.</summary>
    /// <param name="image">an address in the RAM that the monitor occupies</param>
    /// <returns>false: no RAM around <paramref name="image"/>, no CPU, too many CPUs, or cells that do not fit.</returns>
    public static bool TryRead(DeviceTree tree, PhysicalAddress image, ref Board board)
    {
        if (!tree.TryFindRam(image.Value, out _, out board.Ram))
        {
            return false;
        }

        ulong initrd = DeviceTree.ReadNumber(tree.Chosen("linux,initrd-start"u8));
        ulong end = DeviceTree.ReadNumber(tree.Chosen("linux,initrd-end"u8));
        board.Initrd = new AddressRange { Start = initrd, Size = end > initrd && initrd != 0 ? end - initrd : 0 };
        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            if (tree.IsType(node, "cpu"u8))
            {
                if (!tree.TryGetRange(node, "reg"u8, 0, out AddressRange affinity) || board.CpuCount >= (int)Constants.MaximumCpus)
                {
                    return false;
                }

                board.Affinities[board.CpuCount++] = affinity.Start;
            }
            else if (!tree.IsType(node, "memory"u8) && IsInCpuSpace(tree, node)
                && (tree.TryGet(node, "reg"u8, out _) || (tree.TryGet(node, "ranges"u8, out Span<byte> ranges) && ranges.Length > 0)))
            {
                ReadDevice(tree, ref node, ref board);
            }
        }

        if (board.HasPciWithoutSmmu || board.SmmuHandle == 0 || board.PciSmmuHandle != board.SmmuHandle)
        {
            board.Smmu = default;
        }

        return board.CpuCount > 0;
    }

    /// <summary>Tells the OS its RAM: <paramref name="ram"/> is what is left of the range in which the monitor stands. Other RAM, which is outside
    /// the frame table, is nobody's.</summary>
    public static void WriteMemory(DeviceTree tree, AddressRange ram)
    {
        if (tree.TryFindRam(ram.Start, out DeviceTreeNode ours, out _))
        {
            tree.SetRange(ours, ram);
        }

        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            if (tree.IsType(node, "memory"u8) && node.Start != ours.Start)
            {
                tree.Remove(ref node);
            }
        }
    }

    /// <summary>Gives the OS seeds of its own in place of the firmware's; zeros as long as the monitor has none.</summary>
    public static void WriteSeeds(DeviceTree tree)
    {
        MonitorEntropy.Fill(tree.Chosen("rng-seed"u8));
        MonitorEntropy.Fill(tree.Chosen("kaslr-seed"u8));
    }

    /// <summary>Is <paramref name="flag"/> a word of the kernel's command line, as the loader set it?</summary>
    public static bool HasBootFlag(DeviceTree tree, ReadOnlySpan<byte> flag) =>
        tree.TryFind("chosen"u8, out DeviceTreeNode chosen) && tree.HasWord(chosen, "bootargs"u8, flag);

    // Are its addresses those of the CPU: a child of the root, or of such a node that translates nothing?
    private static bool IsInCpuSpace(DeviceTree tree, DeviceTreeNode node)
    {
        while (tree.TryParent(node, out DeviceTreeNode parent))
        {
            if (parent.Depth > 1 && !(tree.TryGet(parent, "ranges"u8, out Span<byte> ranges) && ranges.Length == 0))
            {
                return false;
            }

            node = parent;
        }

        return node.Depth == 1;
    }

    private static void ReadDevice(DeviceTree tree, ref DeviceTreeNode node, ref Board board)
    {
        bool isPci = tree.IsCompatible(node, "pci-host-ecam-generic"u8);
        bool isController = tree.IsCompatible(node, "arm,gic-v3"u8);
        bool isConsole = tree.IsCompatible(node, "arm,pl011"u8);
        uint handle = tree.CellOr(node, "phandle"u8, 0);
        if (tree.IsCompatible(node, "arm,smmu-v3"u8) && board.SmmuHandle == 0 && handle != 0 && tree.TryGetRange(node, "reg"u8, 0, out board.Smmu))
        {
            board.SmmuHandle = handle;
        }

        if (!isPci && !isController && !isConsole && !tree.IsCompatible(node, "arm,pl031"u8) && !tree.IsCompatible(node, "arm,pl061"u8))
        {
            tree.Remove(ref node);
            return;
        }

        for (int i = 0; tree.TryGetRange(node, "reg"u8, i, out AddressRange range); i++)
        {
            if (isController && i == 1)
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
            ReadHostBridge(tree, node, ref board);
        }
    }

    // `ranges` has three cells of PCI address (IEEE 1275 PCI binding). `iommu-map` has entries of four cells: requester, phandle, stream, length (Linux,
    // Documentation/devicetree/bindings/pci/pci-iommu.txt). Which stream is whose does not matter: all are treated alike.
    private static void ReadHostBridge(DeviceTree tree, DeviceTreeNode node, ref Board board)
    {
        for (int i = 0; tree.TryGetRange(node, "ranges"u8, i, out AddressRange window, childCells: 3); i++)
        {
            AddDevice(window, ref board);
        }

        uint handle = tree.TryGet(node, "iommu-map"u8, out Span<byte> map) && map.Length == 16 ? BinaryPrimitives.ReadUInt32BigEndian(map.Slice(4)) : 0;
        board.HasPciWithoutSmmu |= handle == 0 || (board.PciSmmuHandle != 0 && board.PciSmmuHandle != handle);
        board.PciSmmuHandle = handle;

        // They point to the SMMU and the ITS, which are hidden.
        tree.Remove(node, "iommu-map"u8);
        tree.Remove(node, "iommu-map-mask"u8);
        tree.Remove(node, "msi-map"u8);
        tree.Remove(node, "msi-map-mask"u8);
        tree.Remove(node, "msi-parent"u8);
    }

    // Page-aligned, inside the IPA space, outside RAM, away from what the monitor puts there itself.
    private static void AddDevice(AddressRange range, ref Board board)
    {
        AddressRange gate = new() { Start = AbiConstants.GateIpa, Size = AbiConstants.EvidenceIpa + AbiConstants.EvidenceSize - AbiConstants.GateIpa };
        bool isGood = !range.IsEmpty && (range.Start | range.Size) % FrameNumber.Size == 0 && range.IsSound && range.End <= 1UL << IntermediateAddress.Bits
            && !range.Overlaps(gate) && !range.Overlaps(board.Ram) && board.DeviceCount < Board.MaximumDevices;
        for (int i = 0; isGood && i < board.DeviceCount; i++)
        {
            isGood = !board.Devices[i].Overlaps(range);
        }

        if (isGood)
        {
            board.Devices[board.DeviceCount++] = range;
        }
    }
}
