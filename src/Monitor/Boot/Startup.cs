using System;
using System.Runtime.CompilerServices;
using BlackBox.Abi;
using BlackBox.Cryptography;
using BlackBox.Freestanding;

namespace BlackBox.Monitor;

/// <summary>From the loader to Linux. What it finds wrong ends the boot with a panic: nothing untrusted has run yet.</summary>
internal static class Startup
{
    private static Board _board;

    /// <summary>First CPU: sets everything up; afterwards its OS frame stands at the kernel's entry.</summary>
    /// <param name="facts">what a loader of its own tells (BootFacts, then the evidence), or 0</param>
    public static void Run(PhysicalAddress blob, PhysicalAddress facts)
    {
        Hardware.SetFirstMemory();
        CpuFeatures.Read();
        new InstructionSet(El2Registers.ReadIsar0()).Use();
        Sha256.Hash(Hardware.Bytes(new PhysicalAddress(El2.ImageStart()), (int)(El2.DataEnd() - El2.ImageStart())), BootFacts.MonitorDigest);    // nothing has changed yet
        DeviceTree tree = OpenTree(blob, out AddressRange blobRange);
        Panic.Unless(BoardReader.TryRead(tree, new PhysicalAddress(El2.ImageStart()), ref _board), "device tree: no memory or CPU"u8);
        Panic.Unless(_board.Console.IsEmpty || Hardware.TryMapDevice(_board.Console.Start), "console is out of reach"u8);
        MonitorConsole.SetBase(_board.Console.Start);
        MonitorConsole.WriteLine("monitor at EL2"u8);

        AddressRange ram = _board.Ram;
        ram.Size &= ~((FrameNumber.Size * FrameNumber.PerBlock) - 1);
        Panic.Unless(Hardware.TryMapRam(ram), "RAM does not start at a GiB"u8);
        Hardware.SetMemory(ram);
        PlaceTables(ram);
        AddressRange os = new() { Start = FrameTable.Layout.OsRam.First.Address.Value, Size = FrameTable.Layout.OsRam.Count << FrameNumber.Shift };
        AddressRange kernel = new() { Start = ram.Start + BootPlacement.KernelOffset };
        kernel.Size = BootPlacement.SizeOfKernel(Hardware.Bytes(new PhysicalAddress(kernel.Start), BootPlacement.HeaderLength));
        Panic.Unless(!kernel.IsEmpty, "no kernel image up to 64 MiB"u8);
        Panic.Unless(os.Contains(kernel) && os.Contains(blobRange) && (_board.Initrd.IsEmpty || os.Contains(_board.Initrd)),
            "kernel, initrd or device tree in the monitor's memory"u8);
        TakeFacts(os, new AddressRange { Start = facts.Value, Size = FrameNumber.Size + AbiConstants.EvidenceSize });
        Scrub(os, kernel, blobRange, _board.Initrd);
        ConfineDevices();

        // Behind the shield's image shields look for what the owner asks of images: the boot manifest vouches for it, not the shield's digest.
        ReadOnlySpan<byte> text = tree.Chosen("bootargs"u8);
        text.Slice(0, Math.Min(text.Length, (int)FrameNumber.Size)).CopyTo(Hardware.Bytes(new PhysicalAddress(El2.ShieldEnd() - FrameNumber.Size), (int)FrameNumber.Size));
        SeedAll(tree);
        El2.SetCanary(MonitorEntropy.NextWord());
        BoardReader.WriteMemory(tree, os);
        Hardware.CleanInvalidate(blobRange);
        Cpus.Set(_board);
        Evidence.Prepare();
        SmcFilter.Probe();
        Worlds.Choose();
        Worlds.InitialiseCpu();
        ref CpuLocal cpu = ref CpuLocal.Current;
        cpu.Power = (uint)PowerState.On;
        Cpus.SetEntry(ref cpu.Os, kernel.Start, blobRange.Start);
    }

    private static DeviceTree OpenTree(PhysicalAddress blob, out AddressRange range)
    {
        Panic.Unless(blob.IsFrameAligned || (blob.Value & 7) == 0, "device tree is misaligned"u8);
        uint size = DeviceTree.SizeOf(Hardware.Bytes(blob, BootPlacement.HeaderLength));
        range = new AddressRange { Start = blob.Value, Size = size };
        Panic.Unless(size is > 0 and < 0x20_0000, "no device tree"u8);
        Panic.Unless(DeviceTree.TryOpen(Hardware.Bytes(blob, (int)size), out DeviceTree tree), "device tree is malformed"u8);
        return tree;
    }

    private static void PlaceTables(AddressRange ram)
    {
        FrameNumber shield = new PhysicalAddress(El2.ShieldStart()).Frame;
        FrameRange shieldImage = new(shield, new PhysicalAddress(El2.ShieldEnd()).Frame.Value - shield.Value);
        AddressRange image = new() { Start = El2.ImageStart(), Size = El2.ImageEnd() - El2.ImageStart() };
        ulong deviceTables = 4 * ((ulong)_board.DeviceCount + 1);    // two levels at each ragged end of a range; the redistributors are one more
        Panic.Unless(MonitorLayout.TryPlace(FramesOf(ram), FramesOf(image), shieldImage, new IntermediateAddress(El2.ShieldStart()),
            new PhysicalAddress(El2.GatePage()).Frame, deviceTables, !_board.Smmu.IsEmpty, out MonitorLayout layout), "too little RAM"u8);
        Hardware.Zero(new AddressRange { Start = ram.Start, Size = image.Start - ram.Start });
        Hardware.Zero(new AddressRange { Start = image.End, Size = layout.OsRam.First.Address.Value - image.End });
        FrameTable.Initialise(layout);
        OsStageTwo.Build();
        for (int i = 0; i < _board.DeviceCount; i++)
        {
            OsStageTwo.MapDevice(FramesOf(_board.Devices[i]));
        }
    }

    // Its own loader alone says anything: whoever else starts this program at EL2 could be the monitor as well. Scrubbed afterwards.
    private static void TakeFacts(AddressRange os, AddressRange told)
    {
        if (told.Start == 0)
        {
            BootFacts.Add(BootFacts.Development);
            return;
        }

        Panic.Unless(os.Contains(told), "boot facts in the monitor's memory"u8);
        Hardware.Bytes(new PhysicalAddress(told.Start), BootFacts.Told.Length).CopyTo(BootFacts.Told);
        Hardware.Bytes(new PhysicalAddress(told.Start + FrameNumber.Size), (int)AbiConstants.EvidenceSize)
            .CopyTo(Hardware.Bytes(FrameTable.Layout.AuditFrame.Address + (AbiConstants.EvidenceIpa - AbiConstants.AuditIpa), (int)AbiConstants.EvidenceSize));
        MonitorFeatures.Add((BootFacts.Flags & BootFacts.Measured) != 0 ? MonitorFeatures.Measured : 0);
    }

    private static void ConfineDevices()
    {
        bool hasVirtualTables = MapRedistributors();
        if (_board.Smmu.IsEmpty)
        {
            MonitorConsole.WriteLine("no SMMU in front of the devices: DMA IS NOT CONFINED"u8);
            return;
        }

        Panic.Unless(_board.Smmu.Size >= 0x2_0000 && Hardware.TryMapDevice(_board.Smmu.Start) && Hardware.TryMapDevice(_board.Smmu.End - 1), "SMMU is out of reach"u8);
        Smmu.Start(_board.Smmu.Start);
        if (hasVirtualTables)
        {
            MonitorConsole.WriteLine("interrupt controller with virtual LPIs: DMA IS NOT CONFINED"u8);
            return;
        }

        MonitorFeatures.Add(MonitorFeatures.Iommu);
        BootFacts.Add(BootFacts.DmaProtection);
    }

    // Of each CPU's redistributor the first half read-only. Returns GICR_TYPER.VLPIS: larger frames, more tables.
    private static bool MapRedistributors()
    {
        const ulong TypeRegister = 8;
        const uint VirtualLpis = 2;
        AddressRange range = new() { Start = _board.Redistributors.Start, Size = (ulong)_board.CpuCount * Redistributors.Stride };
        Panic.Unless(_board.Redistributors.Size >= range.Size && (range.Start & (Redistributors.Half - 1)) == 0
            && Hardware.TryMapDevice(range.Start) && Hardware.TryMapDevice(range.End - 1), "no redistributors (GICv3), or too few"u8);
        Redistributors.Set(range);
        for (ulong at = range.Start; at < range.End; at += Redistributors.Stride)
        {
            OsStageTwo.MapDevice(FramesOf(new AddressRange { Start = at, Size = Redistributors.Half }), Descriptor.DeviceReadOnly);
            OsStageTwo.MapDevice(FramesOf(new AddressRange { Start = at + Redistributors.Half, Size = Redistributors.Half }));
        }

        return (Hardware.ReadDevice(range.Start + TypeRegister) & VirtualLpis) != 0;
    }

    // RAM may hold what ran before a reset: zero all but what the loader put there, in whole pages.
    private static void Scrub(AddressRange os, AddressRange kernel, AddressRange blob, AddressRange initrd)
    {
        for (AddressRange page = new() { Start = os.Start, Size = FrameNumber.Size }; page.Start < os.End; page.Start += FrameNumber.Size)
        {
            if (!page.Overlaps(kernel) && !page.Overlaps(blob) && !page.Overlaps(initrd))
            {
                Hardware.Zero(page);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]    // it may have a stack canary, its caller changes the value
    private static void SeedAll(DeviceTree tree)
    {
        MonitorEntropy.Seed(tree.Chosen("rng-seed"u8), tree.Chosen("kaslr-seed"u8), BoardReader.HasBootFlag(tree, "blackbox.benchmark"u8));
        BoardReader.WriteSeeds(tree);
    }

    private static FrameRange FramesOf(AddressRange range) => new(new PhysicalAddress(range.Start).Frame, range.Size >> FrameNumber.Shift);
}
