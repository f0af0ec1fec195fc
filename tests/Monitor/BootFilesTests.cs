using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>What the UEFI application decides before the firmware is gone.</summary>
public sealed class BootFilesTests
{
    private static readonly byte[] Kernel = [.. Enumerable.Range(0, 5000).Select(value => (byte)value)];
    private static readonly byte[] Initrd = "a RAM disk"u8.ToArray();
    private static readonly byte[] Line = "console=ttyAMA0"u8.ToArray();

    [Fact]
    public void A_manifest_vouches_for_its_files_and_for_no_others()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var file = Sign(key, Kernel, Initrd, Line);
        Assert.Equal(BootManifest.Length, file.Length);
        Assert.True(BootManifest.TryOpen(file, Public(key), out var manifest));
        Assert.Equal(89UL, manifest.Counter);
        Assert.True(Matches(manifest, BootFile.Kernel, Kernel));
        Assert.True(Matches(manifest, BootFile.Initrd, Initrd));
        Assert.True(Matches(manifest, BootFile.CommandLine, Line));
        Assert.False(Matches(manifest, BootFile.Initrd, Line));
        Assert.False(Matches(manifest, BootFile.Kernel, Kernel.AsSpan(1)));
        for (var i = 0; i < Initrd.Length; i++)
        {
            Assert.False(Matches(manifest, BootFile.Initrd, Changed(Initrd, i)));
        }
    }

    private static bool Matches(BootManifest manifest, BootFile file, ReadOnlySpan<byte> content) =>
        manifest.Matches(file, (ulong)content.Length, SHA256.HashData(content))
        && !manifest.Matches(file, (ulong)content.Length + 1, SHA256.HashData(content));

    [Fact]
    public void A_manifest_with_any_byte_changed_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var file = Sign(key, Kernel, Initrd, Line);
        for (var i = 0; i < file.Length; i += 7)
        {
            Assert.False(BootManifest.TryOpen(Changed(file, i), Public(key), out _));
        }

        Assert.False(BootManifest.TryOpen(file.AsSpan(0, file.Length - 1), Public(key), out _));
        Assert.False(BootManifest.TryOpen([.. file, 0], Public(key), out _));
        Assert.False(BootManifest.TryOpen([], Public(key), out _));
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.False(BootManifest.TryOpen(file, Public(other), out _));
    }

    [Fact]
    public void Command_lines_are_printable_and_fit()
    {
        Assert.True(BootPlacement.IsCommandLine(Line));
        Assert.True(BootPlacement.IsCommandLine(Filled(2047)));
        Assert.False(BootPlacement.IsCommandLine(Filled(2048)));
        Assert.False(BootPlacement.IsCommandLine("a\0b"u8));
        Assert.False(BootPlacement.IsCommandLine("a\n"u8));
        Assert.False(BootPlacement.IsCommandLine([0xc3, 0xa4]));
    }

    [Fact]
    public void Placement_keeps_everything_out_of_the_monitors_and_the_kernels_way()
    {
        var clear = BootPlacement.ClearOf(new AddressRange { Start = 0x4000_0000, Size = 0x4000_0000 });
        Assert.Equal((0x4800_0000UL, 0x3800_0000UL), (clear.Start, clear.Size));

        // RAM elsewhere, too little, none, over the end.
        Assert.True(BootPlacement.ClearOf(new AddressRange { Start = 0x8000_0000, Size = 0x4000_0000 }).IsEmpty);
        Assert.True(BootPlacement.ClearOf(new AddressRange { Start = 0x4000_0000, Size = 0x800_0000 }).IsEmpty);
        Assert.True(BootPlacement.ClearOf(default).IsEmpty);
        Assert.True(BootPlacement.ClearOf(new AddressRange { Start = 0x4000_0000, Size = ulong.MaxValue }).IsEmpty);
    }

    [Fact]
    public void A_kernel_takes_what_its_header_says_or_its_file_has()
    {
        Assert.Equal(0x200_1001UL, BootPlacement.SizeOfKernel(Image(0x200_1001)));
        Assert.Equal(64UL, BootPlacement.SizeOfKernel(Image(3)));
        Assert.Equal(0x400_0000UL, BootPlacement.SizeOfKernel(Image(0x400_0000)));
        Assert.Equal(0UL, BootPlacement.SizeOfKernel(Image(0x400_0001)));
        Assert.Equal(0UL, BootPlacement.SizeOfKernel(Image(ulong.MaxValue)));
        Assert.Equal(0UL, BootPlacement.SizeOfKernel(new byte[64]));
        Assert.Equal(0UL, BootPlacement.SizeOfKernel(Image(0x100_0000).AsSpan(0, 63)));
    }

    [Fact]
    public void A_tree_without_chosen_is_refused()
    {
        var source = Tree("cpus");
        Assert.True(DeviceTree.TryOpen(source, out var tree));
        Assert.Equal(0, BootTree.Write(source, tree, new byte[4096], Line, default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("ab=")]
    [InlineData("console=ttyAMA0")]
    public void The_tree_gets_command_line_and_RAM_disk(string text)
    {
        var (source, commandLine) = (Tree("chosen"), Encoding.ASCII.GetBytes(text));
        Assert.True(DeviceTree.TryOpen(source, out var tree));
        Assert.True(tree.TryFindRam(0x4020_0000, out _, out var memory));
        Assert.Equal((0x4000_0000UL, 0x1000_0000UL), (memory.Start, memory.Size));
        Assert.False(tree.TryFindRam(0x3fff_ffff, out _, out _));
        Assert.False(tree.TryFindRam(0x5000_0000, out _, out _));

        var initrd = new AddressRange { Start = 0x4800_0000, Size = 0x1234 };
        var target = new byte[source.Length + BootTree.Extra + commandLine.Length];
        var length = BootTree.Write(source, tree, target, commandLine, initrd);
        Assert.InRange(length, source.Length, target.Length);
        Assert.Equal((uint)length, DeviceTree.SizeOf(target));
        Assert.True(DeviceTree.TryOpen(target.AsSpan(0, length), out var copy));

        DeviceTreeNode node = default;
        var names = new List<string>();
        while (copy.TryNext(ref node))
        {
            names.Add(Encoding.ASCII.GetString(copy.NameOf(node)));
            if (names[^1] == "chosen")
            {
                Assert.Equal(2, node.Depth);
                Assert.True(copy.TryGet(node, "bootargs"u8, out var line));
                Assert.Equal([.. commandLine, 0], line.ToArray());
                Assert.True(copy.TryGet(node, "linux,initrd-start"u8, out var start));
                Assert.True(copy.TryGet(node, "linux,initrd-end"u8, out var end));
                Assert.Equal((initrd.Start, initrd.End), (BinaryPrimitives.ReadUInt64BigEndian(start), BinaryPrimitives.ReadUInt64BigEndian(end)));
                Assert.True(copy.TryGet(node, "rng-seed"u8, out _));
                Assert.False(copy.TryGet(node, "linux,uefi-system-table"u8, out _));
            }
        }

        Assert.Equal(["", "memory@40000000", "chosen"], names);

        Assert.Equal(0, BootTree.Write(source, tree, target.AsSpan(0, target.Length - 1), commandLine, initrd));
    }

    private static byte[] Sign(ECDsa key, params byte[][] files)
    {
        using var stream = new MemoryStream();
        stream.Write("BBXBOOT2"u8);
        stream.Write(Number(1234567));
        stream.Write(Number(89));
        foreach (var file in files)
        {
            stream.Write(Number((ulong)file.Length));
            stream.Write(SHA256.HashData(file));
        }

        var text = stream.ToArray();
        return [.. text, .. key.SignData(text, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)];
    }

    private static byte[] Number(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Public(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return [.. point.X!, .. point.Y!];
    }

    private static byte[] Changed(byte[] bytes, int at)
    {
        var copy = (byte[])bytes.Clone();
        copy[at] ^= 0x10;
        return copy;
    }

    private static byte[] Filled(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)'x');
        return bytes;
    }

    // An arm64 Image's header.
    private static byte[] Image(ulong size)
    {
        var header = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(16), size);
        "ARM\x64"u8.CopyTo(header.AsSpan(56));
        return header;
    }

    // Root with a memory node and one that may be /chosen, with what another loader has left.
    private static byte[] Tree(string last)
    {
        var strings = "reg\0rng-seed\0bootargs\0linux,uefi-system-table\0device_type\0#size-cells\0"u8.ToArray();
        using var structure = new MemoryStream();
        Word(structure, 1, 0);
        Property(structure, 58, [0, 0, 0, 2]);
        Word(structure, 1);
        Text(structure, "memory@40000000");
        Property(structure, 46, "memory\0"u8.ToArray());
        Property(structure, 0, Convert.FromHexString("00000000400000000000000010000000"));
        Word(structure, 2, 1);
        Text(structure, last);
        Property(structure, 4, [1, 2, 3, 4, 5, 6, 7, 8]);
        Property(structure, 13, "quiet\0"u8.ToArray());
        Property(structure, 22, new byte[8]);
        Word(structure, 2, 2, 9);
        using var blob = new MemoryStream();
        var size = (uint)(56 + structure.Length + strings.Length);
        Word(blob, 0xd00dfeed, size, 56, 56 + (uint)structure.Length, 40, 17, 16, 0, (uint)strings.Length, (uint)structure.Length, 0, 0, 0, 0);
        blob.Write(structure.ToArray());
        blob.Write(strings);
        return blob.ToArray();
    }

    private static void Word(MemoryStream stream, params uint[] values)
    {
        foreach (var value in values)
        {
            stream.Write([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
        }
    }

    private static void Text(MemoryStream stream, string text)
    {
        stream.Write(Encoding.ASCII.GetBytes(text));
        stream.Write(new byte[4 - (text.Length % 4)]);
    }

    private static void Property(MemoryStream stream, uint name, byte[] value)
    {
        Word(stream, 3, (uint)value.Length, name);
        stream.Write(value);
        stream.Write(new byte[(4 - (value.Length % 4)) % 4]);
    }
}
