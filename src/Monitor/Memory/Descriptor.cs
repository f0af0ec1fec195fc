namespace BlackBox.Monitor;

/// <summary>Stage-2 translation table descriptor, 4 KiB granule (Arm ARM D8.3): valid in bit 0; bit 1: table (levels 1, 2) or page
/// (level 3) against block.</summary>
public readonly struct Descriptor(ulong value)
{
    /// <summary>Normal memory, inner and outer write-back, inner shareable, read-write, access flag: 0x7fd of a block.</summary>
    public const ulong ReadWriteExecute = 0x7fc;

    /// <summary>The same, execute-never (XN, bit 54).</summary>
    public const ulong ReadWrite = ReadWriteExecute | ExecuteNever;

    /// <summary>The same, read-only, executable.</summary>
    public const ulong ReadExecute = 0x77c;

    /// <summary>The same, read-only, execute-never.</summary>
    public const ulong ReadOnly = ReadExecute | ExecuteNever;

    /// <summary>Device-nGnRE, read-write, execute-never.</summary>
    public const ulong Device = 0x4c4 | ExecuteNever;

    /// <summary>The same, read-only.</summary>
    public const ulong DeviceReadOnly = 0x444 | ExecuteNever;

    private const ulong ExecuteNever = 1UL << 54;
    private const ulong AddressMask = 0x0000_ffff_ffff_f000;
    private const ulong WriteBit = 1UL << 7;

    public ulong Value { get; } = value;

    public bool IsValid => (Value & 1) != 0;

    /// <summary>At level 1 or 2: does it point to a table?</summary>
    public bool IsTable => (Value & 3) == 3;

    public bool IsWritable => (Value & WriteBit) != 0;

    public bool IsExecutable => (Value & ExecuteNever) == 0;

    /// <summary>Address of the next table, block or page.</summary>
    public PhysicalAddress Address => new(Value & AddressMask);

    /// <summary>All but address and kind.</summary>
    public ulong Attributes => Value & ~(AddressMask | 3);

    public static Descriptor Table(PhysicalAddress table) => new(table.Value | 3);

    public static Descriptor Block(PhysicalAddress address, ulong attributes) => new(address.Value | attributes | 1);

    public static Descriptor Page(PhysicalAddress address, ulong attributes) => new(address.Value | attributes | 3);
}
