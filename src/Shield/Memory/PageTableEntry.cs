namespace BlackBox.Shield;

/// <summary>
/// Stage-1 descriptors of the process's tables (Arm ARM D8.3: VMSAv8-64, 4 KiB granule, four levels). The tables are not updated by
/// hardware: the access flag is always set, and a clean page of a shared file is read-only until its first store.
/// Between calls a last-level entry is zero or valid; inside an unmapping it may have lost its valid bit only (see <see cref="PageTables"/>).
/// </summary>
internal static class PageTableEntry
{
    /// <summary>Bit 0.</summary>
    public const ulong Valid = 1;

    /// <summary>Bits 1..0 of a table descriptor (levels 0 to 2) and of a page descriptor (level 3).</summary>
    public const ulong TableOrPage = 3;

    /// <summary>APTable[1] of a table descriptor: nobody stores through the table (Arm ARM D8.4.1).</summary>
    public const ulong NoStores = 1UL << 62;

    /// <summary>Output address, bits 47..12.</summary>
    public const ulong AddressMask = 0x0000_FFFF_FFFF_F000;

    /// <summary>AttrIndx 0: Normal write-back memory in the shield's MAIR_EL1.</summary>
    public const ulong NormalMemory = 0UL << 2;

    /// <summary>AP[1]: EL0 may access.</summary>
    public const ulong User = 1UL << 6;

    /// <summary>AP[2]: read-only.</summary>
    public const ulong ReadOnly = 1UL << 7;

    /// <summary>SH: inner shareable.</summary>
    public const ulong InnerShareable = 3UL << 8;

    /// <summary>AF.</summary>
    public const ulong Accessed = 1UL << 10;

    /// <summary>nG: the translation belongs to the ASID.</summary>
    public const ulong NotGlobal = 1UL << 11;

    /// <summary>PXN: EL1 never executes from user memory.</summary>
    public const ulong PrivilegedExecuteNever = 1UL << 53;

    /// <summary>UXN.</summary>
    public const ulong UserExecuteNever = 1UL << 54;

    /// <summary>Everything that the protection decides.</summary>
    public const ulong PermissionMask = User | ReadOnly | UserExecuteNever;

    private const ulong Common = TableOrPage | NormalMemory | InnerShareable | Accessed | NotGlobal | PrivilegedExecuteNever;

    /// <summary>Permission bits for a protection; write permission only if <paramref name="writable"/> as well.</summary>
    public static ulong Permissions(Protection protection, bool writable)
    {
        ulong bits = protection == Protection.None ? 0 : User;
        if (!writable || (protection & Protection.Write) == 0)
            bits |= ReadOnly;
        if ((protection & Protection.Execute) == 0)
            bits |= UserExecuteNever;
        return bits;
    }

    /// <summary>A page descriptor.</summary>
    public static ulong Page(FrameAddress frame, Protection protection, bool writable) =>
        frame.Value | Common | Permissions(protection, writable);

    /// <summary>A table descriptor. No hierarchical restrictions.</summary>
    public static ulong Table(FrameAddress table) => table.Value | TableOrPage;

    /// <summary>Frame that a descriptor names, valid or not.</summary>
    public static FrameAddress Frame(ulong entry) => new(entry & AddressMask);

    /// <summary>Whether EL0 may store through the entry.</summary>
    public static bool IsWritable(ulong entry) => (entry & (Valid | User | ReadOnly)) == (Valid | User);

    /// <summary>Whether EL0 may make the access through the entry.</summary>
    public static bool Permits(ulong entry, UserAccess access) => access switch
    {
        UserAccess.Read => (entry & (Valid | User)) == (Valid | User),
        UserAccess.Write => IsWritable(entry),
        _ => (entry & (Valid | User | UserExecuteNever)) == (Valid | User),
    };
}
