using System.Buffers.Binary;
using System.Text;
using BlackBox.Building;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>What the linked monitor must be, read from its ELF file: small, nothing both writable and executable, no indirect call.</summary>
public sealed class MonitorImageTests(ITestOutputHelper output)
{
    private const int LargestText = 256 << 10;
    private const uint Load = 1;
    private const uint Executable = 1;
    private const uint Writable = 2;

    [Fact]
    public async Task Its_text_is_small_nothing_writable_can_be_executed_and_nothing_is_called_through_a_register()
    {
        var guest = await Guests.EnvironmentAsync();
        var image = await new ProductBuild(guest.Kernel, NoProgress.Instance).MonitorAsync(TestContext.Current.CancellationToken);
        var elf = await File.ReadAllBytesAsync(Path.ChangeExtension(image, ".elf"), TestContext.Current.CancellationToken);
        var segments = Segments(elf).ToList();
        Assert.DoesNotContain(segments, segment => (segment.Flags & (Writable | Executable)) == (Writable | Executable));
        var (_, offset, size) = Assert.Single(segments, segment => (segment.Flags & Executable) != 0);
        output.WriteLine($".text: {size} bytes");
        Assert.InRange(size, 1, LargestText);

        var calls = new StringBuilder();
        for (var at = 0; at + 4 <= size; at += 4)
        {
            // BLR, BLRAA... (Arm ARM, C4.1): without them the absence of BTI in compiled code gives nothing away but the jump tables of its switches.
            if ((BinaryPrimitives.ReadUInt32LittleEndian(elf.AsSpan(offset + at)) & 0xfeff_f000) == 0xd63f_0000)
            {
                calls.Append(System.Globalization.CultureInfo.InvariantCulture, $" +{at:x}");
            }
        }

        Assert.Equal("", calls.ToString());
    }

    // Program headers of ELF-64.
    private static IEnumerable<(uint Flags, int Offset, int Size)> Segments(byte[] elf)
    {
        var at = BinaryPrimitives.ReadInt64LittleEndian(elf.AsSpan(32));
        var length = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(54));
        for (var i = 0; i < BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(56)); i++)
        {
            var header = elf.AsMemory((int)at + (i * length), length);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header.Span) == Load)
            {
                yield return (BinaryPrimitives.ReadUInt32LittleEndian(header.Span[4..]), (int)BinaryPrimitives.ReadInt64LittleEndian(header.Span[8..]), (int)BinaryPrimitives.ReadInt64LittleEndian(header.Span[32..]));
            }
        }
    }
}
