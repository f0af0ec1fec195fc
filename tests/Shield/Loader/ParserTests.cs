using System;
using System.Runtime.InteropServices;
using CsCheck;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Parsers on input that nobody signed: they refuse, they do not fail.</summary>
public class ParserTests
{
    [Fact]
    public void Cbor_never_reads_beyond_its_data() =>
        Gen.Select(Gen.Byte.Array[0, 40], Gen.Int[0, 7].Array[1, 20]).Sample(
            (bytes, operations) =>
            {
                CborReader reader = new(bytes);
                foreach (int operation in operations)
                {
                    _ = operation switch
                    {
                        0 => reader.TryUnsigned(out _),
                        1 => reader.TryNegative(out _),
                        2 => reader.TryArray(out _),
                        3 => reader.TryMap(out _),
                        4 => reader.TryBytes(out _),
                        5 => reader.TryText(out _),
                        6 => reader.TryBoolean(out _),
                        _ => reader.TryTag(18),
                    };
                    Assert.InRange(reader.Position, 0, bytes.Length);
                }
            },
            threads: 1);

    [Theory]
    [InlineData(new byte[] { 0x17 }, 23UL)]
    [InlineData(new byte[] { 0x18, 0x18 }, 24UL)]
    [InlineData(new byte[] { 0x18, 0x17 }, null)]
    [InlineData(new byte[] { 0x19, 0x01, 0x00 }, 256UL)]
    [InlineData(new byte[] { 0x19, 0x00, 0xFF }, null)]
    [InlineData(new byte[] { 0x1A, 0x00, 0x00, 0xFF, 0xFF }, null)]
    [InlineData(new byte[] { 0x1B, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF }, null)]
    [InlineData(new byte[] { 0x1B, 0, 0, 0, 1, 0, 0, 0, 0 }, 0x1_0000_0000UL)]
    [InlineData(new byte[] { 0x1F }, null)]
    [InlineData(new byte[] { 0x1C }, null)]
    public void Cbor_heads_are_the_shortest(byte[] bytes, ulong? expected)
    {
        CborReader reader = new(bytes);
        Assert.Equal(expected is not null, reader.TryUnsigned(out ulong value));
        if (expected is not null)
        {
            Assert.Equal(expected, value);
        }
    }

    [Fact]
    public void Elf_heads_with_any_change_are_parsed_to_something_sane_or_not_at_all() =>
        Gen.Select(Gen.Int[0, 63 + (56 * 4)], Gen.ULong, Gen.Int[1, 8]).Array[1, 4].Sample(
            changes =>
            {
                byte[] file = TestElf.Make(0, 1, "/lib/ld.so");
                foreach ((int at, ulong value, int bytes) in changes)
                {
                    ulong word = value;
                    MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref word, 1))[..bytes].CopyTo(file.AsSpan(at));
                }

                byte[] page = file[..4096];
                if (ElfProgram.TryParse(page, (ulong)file.Length, out ElfProgram program))
                {
                    Assert.True(program.High > program.Low && program.High <= UserLayout.Top);
                    Assert.True(System.Numerics.BitOperations.IsPow2(program.Alignment) && program.Alignment is >= 4096 and <= 1 << 30);
                    for (int i = 0; i < program.SegmentCount; i++)
                    {
                        ElfSegment segment = program.Segment(page, i);
                        Assert.True(segment.Type != ElfSegment.Load || (segment.Address >= program.Low && segment.Offset + segment.FileBytes <= (ulong)file.Length));
                    }

                    Assert.True(program.InterpreterLength == 0 || page[program.InterpreterAt + program.InterpreterLength] == 0);
                }
            },
            threads: 1);
}
