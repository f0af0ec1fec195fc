using System.Buffers.Binary;
using System.Text;
using BlackBox.Abi;
using BlackBox.Simulation;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>The device tree as the monitor reads and edits it: a small board like QEMU's "virt", and what random damage to it leads to.</summary>
public sealed class DeviceTreeTests(ITestOutputHelper output)
{
    private const ulong Image = 0x4020_0000;

    private static readonly int Effort = int.TryParse(Environment.GetEnvironmentVariable("BLACKBOX_TEST_EFFORT"), out int effort) ? effort : 1;

    [Fact]
    public void The_board_is_read()
    {
        byte[] blob = Virt();
        Board board = default;
        Assert.True(DeviceTree.TryOpen(blob, out DeviceTree tree));
        Assert.True(BoardReader.TryRead(tree, new PhysicalAddress(Image), ref board));
        Assert.Equal((0x4000_0000u, 0x4000_0000u), (board.Ram.Start, board.Ram.Size));
        Assert.Equal((0x4800_0000u, 0x10_0000u), (board.Initrd.Start, board.Initrd.Size));
        Assert.Equal(0x0900_0000u, board.Console.Start);
        Assert.Equal(0x080a_0000u, board.Redistributors.Start);
        Assert.Equal(2, board.CpuCount);
        Assert.Equal((0u, 1u), (board.Affinities[0], board.Affinities[1]));
        Assert.Equal(new ulong[] { 0x0800_0000, 0x0900_0000, 0x40_1000_0000, 0x3eff_0000, 0x1000_0000 },
            Starts(board));
        Assert.Equal((0x0905_0000u, 0x2_0000u), (board.Smmu.Start, board.Smmu.Size));
        Assert.Equal([0xa0, 0xa0, 0xa0, 0xa0], tree.Chosen("rng-seed"u8).ToArray());
        Assert.Equal([0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1], tree.Chosen("kaslr-seed"u8).ToArray());
        Assert.True(BoardReader.HasBootFlag(tree, "blackbox.benchmark"u8));
        Assert.False(BoardReader.HasBootFlag(tree, "blackbox"u8));
    }

    [Theory]
    [InlineData(3u, 2u)] // the host bridge names another IOMMU
    [InlineData(0u, 2u)]
    [InlineData(2u, 0u)]
    public void An_SMMU_that_is_not_in_front_of_the_devices_does_not_count(uint named, uint handle)
    {
        byte[] blob = Virt(named, handle);
        Board board = default;
        Assert.True(DeviceTree.TryOpen(blob, out DeviceTree tree));
        Assert.True(BoardReader.TryRead(tree, new PhysicalAddress(Image), ref board));
        Assert.True(board.Smmu.IsEmpty);
    }

    [Fact]
    public void What_the_os_may_not_have_is_gone()
    {
        byte[] blob = Virt();
        Board board = default;
        Assert.True(DeviceTree.TryOpen(blob, out DeviceTree tree));
        Assert.True(BoardReader.TryRead(tree, new PhysicalAddress(Image), ref board));
        BoardReader.WriteMemory(tree, new AddressRange { Start = 0x4040_0000, Size = 0x3fc0_0000 });
        BoardReader.WriteSeeds(tree);
        Assert.True(DeviceTree.TryOpen(blob, out tree));
        Assert.Equal(
            ["", "memory@40000000", "cpus", "cpu@0", "cpu@1", "chosen", "intc@8000000", "pl011@9000000", "pcie@10000000"], Names(tree));
        string all = Encoding.Latin1.GetString(blob);
        Assert.DoesNotContain("\xa0\xa0\xa0\xa0", all, StringComparison.Ordinal);
        Assert.DoesNotContain("\xb1\xb1\xb1\xb1", all, StringComparison.Ordinal);

        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            if (tree.TryGet(node, "device_type"u8, out Span<byte> type) && type.StartsWith("memory"u8))
            {
                Assert.True(tree.TryGet(node, "reg"u8, out Span<byte> registers));
                Assert.Equal(0x4040_0000u, BinaryPrimitives.ReadUInt64BigEndian(registers));
                Assert.Equal(0x3fc0_0000u, BinaryPrimitives.ReadUInt64BigEndian(registers[8..]));
            }

            Assert.False(tree.TryGet(node, "msi-map"u8, out _));
            Assert.False(tree.TryGet(node, "iommu-map"u8, out _));
        }
    }

    /// <summary>Whatever the blob holds: it is refused, or read to a board that boot code can trust; nothing is touched outside the blob, and
    /// reading ends.</summary>
    [Fact]
    public void Damaged_trees_are_refused_or_yield_a_sound_board()
    {
        byte[] good = Virt();
        var random = new Random(20260101);
        int opened = 0;
        int read = 0;
        for (int i = 0; i < 40_000 * Effort; i++)
        {
            byte[] blob = Damage(good, random);
            if (!DeviceTree.TryOpen(blob, out DeviceTree tree))
            {
                continue;
            }

            opened++;
            Board board = default;
            if (BoardReader.TryRead(tree, new PhysicalAddress(Image), ref board))
            {
                read++;
                CheckSound(board);
            }

            BoardReader.WriteMemory(tree, new AddressRange { Start = 0x4040_0000, Size = 0x1000_0000 });
            BoardReader.WriteSeeds(tree);
            BoardReader.HasBootFlag(tree, "x"u8);
            Assert.True(DeviceTree.TryOpen(blob, out _), "an edited tree is malformed");
        }

        output.WriteLine($"opened {opened}, read {read}");
        Assert.InRange(read, 1000, opened);
        Assert.InRange(opened, 1, (40_000 * Effort) - 1000);
    }

    /// <summary>Cells of size 0 make entries of size 0.</summary>
    [Fact]
    public void Entries_without_size_do_not_loop()
    {
        byte[] blob = new DeviceTreeBlob().Begin("").Cells("#address-cells", 0).Cells("#size-cells", 0)
            .Begin("memory").Text("device_type", "memory").Cells("reg", 0, 0x40000000, 0, 0x40000000).End()
            .Begin("uart").Text("compatible", "arm,pl011").Cells("reg", 9).End().End().Build();
        Board board = default;
        Assert.True(DeviceTree.TryOpen(blob, out DeviceTree tree));
        Assert.False(BoardReader.TryRead(tree, new PhysicalAddress(Image), ref board));
    }

    [Fact]
    public void Truncated_blobs_are_refused()
    {
        byte[] good = Virt();
        for (int length = 0; length < good.Length; length++)
        {
            Assert.False(DeviceTree.TryOpen(good.AsSpan(0, length), out _));
        }
    }

    private static void CheckSound(in Board board)
    {
        Assert.True(Image >= board.Ram.Start && Image < board.Ram.End);
        Assert.InRange(board.CpuCount, 1, (int)Constants.MaximumCpus);
        Assert.True(board.Initrd.IsSound);
        for (int i = 0; i < board.DeviceCount; i++)
        {
            AddressRange device = board.Devices[i];
            Assert.True(!device.IsEmpty && device.IsSound && ((device.Start | device.Size) & 0xfff) == 0 && device.End <= 1UL << 40);
            Assert.False(device.Overlaps(board.Ram));
            Assert.False(device.Overlaps(new AddressRange { Start = AbiConstants.GateIpa, Size = 0xa000 }));
            for (int j = 0; j < i; j++)
            {
                Assert.False(device.Overlaps(board.Devices[j]));
            }
        }
    }

    // A few bytes, words of the structure's own vocabulary, or a piece copied elsewhere.
    private static byte[] Damage(byte[] good, Random random)
    {
        byte[] blob = [.. good];
        for (int count = random.Next(1, 4); count > 0; count--)
        {
            int at = random.Next(blob.Length);
            int word = at & ~3;
            switch (random.Next(4))
            {
                case 0:
                    blob[at] = (byte)random.Next(256);
                    break;
                case 1 when word + 4 <= blob.Length:
                    uint[] words = [0, 1, 2, 3, 4, 9, 0x7fffffff, 0x80000000, 0xffffffff, (uint)random.Next(64), (uint)blob.Length];
                    BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(word), words[random.Next(words.Length)]);
                    break;
                case 2:
                    blob[at] ^= (byte)(1 << random.Next(8));
                    break;
                default:
                    int from = random.Next(blob.Length) & ~3;
                    int length = Math.Min(random.Next(1, 16) * 4, blob.Length - Math.Max(word, from));
                    if (length > 0)
                    {
                        blob.AsSpan(from, length).ToArray().CopyTo(blob.AsSpan(word));
                    }

                    break;
            }
        }

        return blob;
    }

    private static ulong[] Starts(in Board board)
    {
        var starts = new ulong[board.DeviceCount];
        for (int i = 0; i < starts.Length; i++)
        {
            starts[i] = board.Devices[i].Start;
        }

        return starts;
    }

    private static List<string> Names(DeviceTree tree)
    {
        var names = new List<string>();
        DeviceTreeNode node = default;
        while (tree.TryNext(ref node))
        {
            names.Add(Encoding.ASCII.GetString(tree.NameOf(node)));
        }

        return names;
    }

    private static byte[] Virt(uint named = 2, uint handle = 2) => DeviceTreeBlob.Virt(named, handle);
}
