using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using BlackBox.Cryptography;
using BlackBox.Freestanding;

namespace BlackBox.Monitor;

/// <summary>From the loader to Linux. What it finds wrong ends the boot with a panic: nothing untrusted has run yet.</summary>
internal static class Startup
{
    private const ulong KernelOffset = 0x400_0000;
    private const int ImageHeaderLength = 64;
    private const uint ImageMagic = 0x644d_5241;
    private const int SeedLength = 64;

    private static Board _board;

    /// <summary>First CPU: sets everything up; afterwards its OS frame stands at the kernel's entry.</summary>
    public static void Run(PhysicalAddress blob)
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
        AddressRange kernel = FindKernel(ram.Start + KernelOffset);
        Panic.Unless(os.Contains(kernel) && os.Contains(blobRange) && (_board.Initrd.IsEmpty || os.Contains(_board.Initrd)),
            "kernel, initrd or device tree in the monitor's memory"u8);
        Scrub(os, kernel, blobRange, _board.Initrd);
        ConfineDevices();

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
        uint size = DeviceTree.SizeOf(Hardware.Bytes(blob, ImageHeaderLength));
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
        Panic.Unless(MonitorLayout.TryPlace(FramesOf(ram), FramesOf(image), shieldImage, new IntermediateAddress(El2.ShieldStart()),
            new PhysicalAddress(El2.GatePage()).Frame, DeviceTables(), !_board.Smmu.IsEmpty, out MonitorLayout layout), "too little RAM"u8);
        Hardware.Zero(new AddressRange { Start = ram.Start, Size = image.Start - ram.Start });
        Hardware.Zero(new AddressRange { Start = image.End, Size = layout.OsRam.First.Address.Value - image.End });
        FrameTable.Initialise(layout);
        OsStageTwo.Build();
        for (int i = 0; i < _board.DeviceCount; i++)
        {
            OsStageTwo.MapDevice(FramesOf(_board.Devices[i]));
        }
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

    // Two levels at each ragged end of a range; the redistributors are one more.
    private static ulong DeviceTables() => 4 * ((ulong)_board.DeviceCount + 1);

    // The loader has put an arm64 Image there (booting.rst).
    private static AddressRange FindKernel(ulong address)
    {
        ReadOnlySpan<byte> header = Hardware.Bytes(new PhysicalAddress(address), ImageHeaderLength);
        Panic.Unless(BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(56)) == ImageMagic, "no kernel image"u8);
        AddressRange kernel = new() { Start = address, Size = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(16)) };
        Panic.Unless(kernel.Size != 0 && kernel.IsSound, "kernel image without size"u8);
        return kernel;
    }

    // RAM may hold what ran before a reset: zero all but what the loader put there.
    private static void Scrub(AddressRange os, AddressRange kernel, AddressRange blob, AddressRange initrd)
    {
        ulong at = os.Start;
        while (at < os.End)
        {
            AddressRange next = new() { Start = os.End };
            Nearest(ref next, Widened(kernel), at);
            Nearest(ref next, Widened(blob), at);
            Nearest(ref next, Widened(initrd), at);
            ulong start = Math.Max(next.Start, at);
            Hardware.Zero(new AddressRange { Start = at, Size = start - at });
            at = next.IsEmpty ? os.End : Math.Min(next.End, os.End);
        }
    }

    // Whole pages: what a loader left in the rest of a page stays.
    private static AddressRange Widened(AddressRange range)
    {
        ulong mask = FrameNumber.Size - 1;
        ulong start = range.Start & ~mask;
        return new AddressRange { Start = start, Size = range.IsEmpty ? 0 : ((range.End + mask) & ~mask) - start };
    }

    private static void Nearest(ref AddressRange best, AddressRange candidate, ulong at)
    {
        if (!candidate.IsEmpty && candidate.End > at && candidate.Start < best.Start)
        {
            best = candidate;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]    // it has a stack canary, its caller changes the value
    private static void SeedAll(DeviceTree tree)
    {
        MonitorEntropy.Seed(((Span<byte>)_board.Seed).Slice(0, _board.SeedLength), BoardReader.HasBootFlag(tree, "blackbox.benchmark"u8));
        Span<byte> random = stackalloc byte[SeedLength];
        if (MonitorEntropy.IsSeeded)
        {
            MonitorEntropy.Fill(random);
            BoardReader.WriteSeeds(tree, random);
        }

        random.Clear();
    }

    private static FrameRange FramesOf(AddressRange range) => new(new PhysicalAddress(range.Start).Frame, range.Size >> FrameNumber.Shift);
}
