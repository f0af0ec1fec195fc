using System.Buffers.Binary;
using System.Text;

namespace BlackBox.Guest;

/// <summary>
/// The few things we read from a 64-bit little-endian ELF file: which loader and libraries it wants, and named sections
/// (System V ABI, "Object Files" and "Dynamic Linking"). The file is hostile input: every offset is checked.
/// </summary>
public sealed class ElfFile
{
    private const int ProgramHeaderSize = 56;
    private const int SectionHeaderSize = 64;
    private const uint SegmentLoad = 1;
    private const uint SegmentDynamic = 2;
    private const uint SegmentInterpreter = 3;
    private const long TagNull = 0;
    private const long TagNeeded = 1;
    private const long TagStringTable = 5;
    private const long TagRPath = 15;
    private const long TagRunPath = 29;

    private readonly byte[] _bytes;

    private ElfFile(byte[] bytes) => _bytes = bytes;

    /// <summary>e_machine of AArch64.</summary>
    public const int MachineAArch64 = 183;

    public int Machine => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(18));

    /// <summary>The program loader (PT_INTERP), or null for static programs, libraries and modules.</summary>
    public string? Interpreter { get; private set; }

    /// <summary>Libraries by name (DT_NEEDED), in order.</summary>
    public IReadOnlyList<string> Needed { get; private set; } = [];

    /// <summary>Folders to look into first (DT_RUNPATH, or DT_RPATH), with $ORIGIN as written.</summary>
    public IReadOnlyList<string> RunPath { get; private set; } = [];

    /// <summary>True if the bytes begin like any ELF file.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> start) => start.Length >= 4 && start[..4].SequenceEqual("\u007fELF"u8);

    /// <exception cref="InvalidDataException">Not a 64-bit little-endian ELF file, or damaged.</exception>
    public static ElfFile Parse(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.Length < 64 || !HasMagic(bytes) || bytes[4] != 2 || bytes[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        var result = new ElfFile(bytes);
        result.ReadSegments();
        return result;
    }

    /// <summary>The bytes of the first section of that name; empty if there is none.</summary>
    public ReadOnlySpan<byte> Section(string name)
    {
        var headers = (long)U64(40);
        int count = U16(60), names = U16(62);
        if (headers == 0 || names >= count)
        {
            return default;
        }

        var strings = SectionHeader(headers, names);
        for (var i = 0; i < count; i++)
        {
            var header = SectionHeader(headers, i);
            if (Text(Range(strings.Offset, strings.Size), header.Name) == name)
            {
                return Range(header.Offset, header.Size);
            }
        }

        return default;
    }

    private (uint Name, long Offset, long Size) SectionHeader(long table, int index)
    {
        var at = Range(table + ((long)index * SectionHeaderSize), SectionHeaderSize);
        return (BinaryPrimitives.ReadUInt32LittleEndian(at),
            (long)BinaryPrimitives.ReadUInt64LittleEndian(at[24..]), (long)BinaryPrimitives.ReadUInt64LittleEndian(at[32..]));
    }

    private void ReadSegments()
    {
        var table = (long)U64(32);
        int count = U16(56);
        var loads = new List<(ulong Address, long Offset, long Size)>();
        ReadOnlySpan<byte> dynamic = default;
        for (var i = 0; i < count; i++)
        {
            var header = Range(table + ((long)i * ProgramHeaderSize), ProgramHeaderSize);
            var type = BinaryPrimitives.ReadUInt32LittleEndian(header);
            var offset = (long)BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
            var size = (long)BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            switch (type)
            {
                case SegmentLoad:
                    loads.Add((BinaryPrimitives.ReadUInt64LittleEndian(header[16..]), offset, size));
                    break;
                case SegmentInterpreter:
                    Interpreter = Text(Range(offset, size), 0);
                    break;
                case SegmentDynamic:
                    dynamic = Range(offset, size);
                    break;
                default:
                    break;
            }
        }

        ReadDynamic(dynamic, loads);
    }

    private void ReadDynamic(ReadOnlySpan<byte> dynamic, List<(ulong Address, long Offset, long Size)> loads)
    {
        var needed = new List<long>();
        long? runPath = null, rPath = null;
        ReadOnlySpan<byte> strings = default;
        for (; dynamic.Length >= 16; dynamic = dynamic[16..])
        {
            var tag = BinaryPrimitives.ReadInt64LittleEndian(dynamic);
            var value = BinaryPrimitives.ReadUInt64LittleEndian(dynamic[8..]);
            switch (tag)
            {
                case TagNull:
                    dynamic = dynamic[..16];
                    break;
                case TagNeeded:
                    needed.Add((long)value);
                    break;
                case TagRPath:
                    rPath = (long)value;
                    break;
                case TagRunPath:
                    runPath = (long)value;
                    break;
                case TagStringTable:
                    var load = loads.Find(segment => value >= segment.Address && value - segment.Address < (ulong)segment.Size);
                    strings = load.Size == 0
                        ? throw new InvalidDataException("the ELF string table lies outside the file")
                        : Range(load.Offset, load.Size)[(int)(value - load.Address)..];
                    break;
                default:
                    break;
            }
        }

        var names = new List<string>();
        foreach (var offset in needed)
        {
            names.Add(Text(strings, offset));
        }

        Needed = names;
        if ((runPath ?? rPath) is { } path)
        {
            RunPath = Text(strings, path).Split(':', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    private static string Text(ReadOnlySpan<byte> table, long offset)
    {
        if (offset < 0 || offset >= table.Length)
        {
            throw new InvalidDataException("an ELF name lies outside its table");
        }

        var rest = table[(int)offset..];
        var end = rest.IndexOf((byte)0);
        return end < 0 ? throw new InvalidDataException("an ELF name has no end") : Encoding.UTF8.GetString(rest[..end]);
    }

    private ReadOnlySpan<byte> Range(long offset, long size) =>
        offset >= 0 && size >= 0 && offset <= _bytes.Length && size <= _bytes.Length - offset
            ? _bytes.AsSpan((int)offset, (int)size)
            : throw new InvalidDataException("an ELF header points outside the file");

    private ulong U64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(offset));

    private ushort U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(offset));
}
