using System.Numerics;
using BlackBox.Guest;
using BlackBox.Shield;
using BlackBox.Shield.Tests;
using BlackBox.Tools.Tests;

namespace BlackBox.Dev.Parsers;

/// <summary>ELF files: the shield's loader, and the tools' reader.</summary>
internal sealed class ElfTarget : ParserTarget
{
    private const int PageBytes = 4096;

    public override string Name => "elf";

    public override IReadOnlyList<byte[]> Samples { get; } =
    [
        TestElf.Make(0, 1, "/lib/ld.so"), TestElf.Make(0x40_0000, 2), TestElf.Make(0, 3, executableStack: true, alignment: 0x20_0000),
        ElfSample.Create("/lib/ld-linux-aarch64.so.1", ["libc.so.6", "libm.so.6"], "$ORIGIN/../lib"), ElfSample.Create(null, []),
    ];

    public override int Parse(byte[] input) => StableHash.Of($"{ParseAsShield(input)} {ParseAsTool(input)}");

    private static int ParseAsShield(byte[] input)
    {
        byte[] page = new byte[PageBytes];
        input.AsSpan(0, Math.Min(PageBytes, input.Length)).CopyTo(page);
        if (!ElfProgram.TryParse(page, (ulong)input.Length, out ElfProgram program))
        {
            return 0;
        }

        Require(program.High > program.Low && program.High <= UserLayout.Top, "the program lies outside the user's addresses");
        Require(BitOperations.IsPow2(program.Alignment) && program.Alignment is >= PageBytes and <= 1 << 30, "alignment");
        ulong end = 0;
        for (int i = 0; i < program.SegmentCount; i++)
        {
            ElfSegment segment = program.Segment(page, i);
            if (segment.Type == ElfSegment.Load)
            {
                Require(segment.Address >= program.Low && segment.Address + segment.MemoryBytes <= program.High, "a segment lies outside the program");
                Require(segment.Offset + segment.FileBytes <= (ulong)input.Length && segment.FileBytes <= segment.MemoryBytes, "a segment lies outside the file");
                Require(segment.Address >= end, "segments overlap");
                end = segment.Address + segment.MemoryBytes;
            }
        }

        Require(program.InterpreterLength == 0 || page[program.InterpreterAt + program.InterpreterLength] == 0, "the interpreter's name has no end");
        return StableHash.Of($"{program.SegmentCount} {program.IsPositionIndependent} {program.WantsExecutableStack} {program.InterpreterLength} {BitOperations.Log2(program.Alignment)}");
    }

    private static int ParseAsTool(byte[] input)
    {
        try
        {
            ElfFile file = ElfFile.Parse([.. input]);
            return StableHash.Of($"{file.Machine} {file.Interpreter?.Length} {file.Needed.Count} {file.RunPath.Count}");
        }
        catch (InvalidDataException refusal)
        {
            return StableHash.Of(refusal.Message);
        }
    }
}
