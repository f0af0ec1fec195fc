using BlackBox.Abi;
using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Parsers;

/// <summary>The device tree as the monitor's boot code reads and edits it.</summary>
internal sealed class DeviceTreeTarget : ParserTarget
{
    private const ulong Image = 0x4020_0000;

    public override string Name => "dtb";

    public override IReadOnlyList<byte[]> Samples { get; } = [DeviceTreeBlob.Virt()];

    public override int Parse(byte[] input)
    {
        if (!DeviceTree.TryOpen(input, out DeviceTree tree))
        {
            return 0;
        }

        Board board = default;
        bool isRead = BoardReader.TryRead(tree, new PhysicalAddress(Image), ref board);
        if (isRead)
        {
            Check(board);
        }

        BoardReader.WriteMemory(tree, new AddressRange { Start = 0x4040_0000, Size = 0x1000_0000 });
        BoardReader.WriteSeeds(tree);
        bool flag = BoardReader.HasBootFlag(tree, "blackbox.benchmark"u8);
        Require(DeviceTree.TryOpen(input, out _), "an edited tree is malformed");
        return StableHash.Of($"{isRead} {board.DeviceCount} {board.CpuCount} {flag} {board.Initrd.IsEmpty} {board.Console.IsEmpty}");
    }

    private static void Check(in Board board)
    {
        Require(Image >= board.Ram.Start && Image < board.Ram.End, "the RAM does not hold the monitor");
        Require(board.CpuCount is >= 1 and <= (int)Constants.MaximumCpus, "number of CPUs");
        Require(board.Initrd.IsSound, "the initrd wraps");
        for (int i = 0; i < board.DeviceCount; i++)
        {
            AddressRange device = board.Devices[i];
            Require(!device.IsEmpty && device.IsSound && ((device.Start | device.Size) & 0xfff) == 0 && device.End <= 1UL << 40, "a device's range is malformed");
            Require(!device.Overlaps(board.Ram), "a device lies over RAM");
            Require(!device.Overlaps(new AddressRange { Start = AbiConstants.GateIpa, Size = 0x2000 }), "a device lies over the gate");
            for (int j = 0; j < i; j++)
            {
                Require(!device.Overlaps(board.Devices[j]), "two devices overlap");
            }
        }
    }
}
