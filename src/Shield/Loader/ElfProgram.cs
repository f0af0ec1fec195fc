using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>A segment to be loaded (Elf64_Phdr of type PT_LOAD).</summary>
internal struct ElfSegment
{
    public const int Bytes = 56;
    public const uint Load = 1;
    public const uint Interpreter = 3;
    public const uint Headers = 6;
    public const uint Stack = 0x6474_E551;

    public uint Type;
    public uint Flags;
    public ulong Offset;
    public ulong Address;
    public ulong FileBytes;
    public ulong MemoryBytes;
    public ulong Alignment;

    public readonly Protection Protection =>
        ((Flags & 4) != 0 ? Protection.Read : 0) | ((Flags & 2) != 0 ? Protection.Write : 0) | ((Flags & 1) != 0 ? Protection.Execute : 0);

    public static ElfSegment Read(ReadOnlySpan<byte> bytes) => new()
    {
        Type = BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        Flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
        Offset = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
        Address = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
        FileBytes = BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]),
        MemoryBytes = BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]),
        Alignment = BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..]),
    };
}

/// <summary>
/// Head of an ELF executable or shared object for AArch64 (System V gABI). The file is verified, but a verified file may still
/// be a broken one: every number is checked before it is used.
/// </summary>
internal struct ElfProgram
{
    private const int HeaderBytes = 64;
    private const ushort Executable = 2;
    private const ushort SharedObject = 3;
    private const ushort MachineAArch64 = 183;

    public bool IsPositionIndependent;
    public ulong Entry;
    public int SegmentCount;
    public int SegmentTable;

    /// <summary>Lowest and highest address of the segments, page-aligned.</summary>
    public ulong Low;
    public ulong High;

    /// <summary>Greatest alignment that a segment asks for: a power of two, at least a page.</summary>
    public ulong Alignment;

    /// <summary>PT_GNU_STACK with PF_X.</summary>
    public bool WantsExecutableStack;

    /// <summary>Address of the program headers in the image (AT_PHDR), before the bias.</summary>
    public ulong HeadersAddress;

    /// <summary>Path of the interpreter in the first page: offset and length (without NUL), 0 if none.</summary>
    public int InterpreterAt;
    public int InterpreterLength;

    /// <summary>Parses from the file's first page (headers elsewhere: ENOEXEC, as no toolchain makes them).</summary>
    public static bool TryParse(ReadOnlySpan<byte> page, ulong fileBytes, out ElfProgram program)
    {
        program = default;
        if (fileBytes < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(page) != 0x464C_457F || page[4] != 2 || page[5] != 1 || page[6] != 1
            || BinaryPrimitives.ReadUInt16LittleEndian(page[18..]) != MachineAArch64
            || BinaryPrimitives.ReadUInt16LittleEndian(page[54..]) != ElfSegment.Bytes)
        {
            return false;
        }

        ushort type = BinaryPrimitives.ReadUInt16LittleEndian(page[16..]);
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(page[32..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(page[56..]);
        if (type is not (Executable or SharedObject) || count == 0 || table > (ulong)page.Length
            || (ulong)(count * ElfSegment.Bytes) > (ulong)page.Length - table)
        {
            return false;
        }

        program.IsPositionIndependent = type == SharedObject;
        program.Entry = BinaryPrimitives.ReadUInt64LittleEndian(page[24..]);
        program.SegmentCount = count;
        program.SegmentTable = (int)table;
        return program.TryReadSegments(page, fileBytes);
    }

    public readonly ElfSegment Segment(ReadOnlySpan<byte> page, int index) =>
        ElfSegment.Read(page.Slice(SegmentTable + (index * ElfSegment.Bytes), ElfSegment.Bytes));

    private bool TryReadSegments(ReadOnlySpan<byte> page, ulong fileBytes)
    {
        const ulong GreatestAlignment = 1UL << 30;
        bool any = false;
        ulong end = 0;
        Alignment = UserLayout.PageBytes;
        for (int i = 0; i < SegmentCount; i++)
        {
            ElfSegment segment = Segment(page, i);
            if (segment.Type == ElfSegment.Interpreter)
            {
                if (segment.FileBytes is < 2 or > Paths.Longest || segment.Offset > (ulong)page.Length
                    || segment.FileBytes > (ulong)page.Length - segment.Offset
                    || page.Slice((int)segment.Offset, (int)segment.FileBytes).IndexOf((byte)0) != (int)segment.FileBytes - 1)
                {
                    return false;
                }

                InterpreterAt = (int)segment.Offset;
                InterpreterLength = (int)segment.FileBytes - 1;
            }
            else if (segment.Type == ElfSegment.Stack)
            {
                WantsExecutableStack = (segment.Flags & 1) != 0;
            }
            else if (segment.Type == ElfSegment.Load)
            {
                if (segment.MemoryBytes < segment.FileBytes || segment.MemoryBytes > UserLayout.Top || segment.Address > UserLayout.Top - segment.MemoryBytes
                    || segment.Offset > fileBytes || segment.FileBytes > fileBytes - segment.Offset
                    || ((segment.Offset ^ segment.Address) & UserLayout.PageMask) != 0 || (any && segment.Address < end))
                {
                    return false;
                }

                if (!any)
                {
                    Low = UserLayout.PageFloor(segment.Address);
                }

                if (System.Numerics.BitOperations.IsPow2(segment.Alignment) && segment.Alignment is > UserLayout.PageBytes and <= GreatestAlignment)
                {
                    Alignment = Math.Max(Alignment, segment.Alignment);
                }

                any = true;
                end = segment.Address + segment.MemoryBytes;
                High = UserLayout.PageCeiling(end);
                if (segment.Offset <= (ulong)SegmentTable && (ulong)SegmentTable - segment.Offset < segment.FileBytes)
                {
                    HeadersAddress = segment.Address + ((ulong)SegmentTable - segment.Offset);
                }
            }
        }

        return any && High > Low;
    }
}
