namespace BlackBox.Shield;

/// <summary>
/// The numbers of a process's address space: 48-bit virtual addresses, 4 KiB granule, as Linux 6.1 on Arm64 lays it out
/// (arch/arm64/include/asm/processor.h, mm/util.c).
/// </summary>
internal static class UserLayout
{
    /// <summary>log2 of the bytes of a page.</summary>
    public const int PageShift = 12;

    /// <summary>Bytes of a page.</summary>
    public const ulong PageBytes = 1UL << PageShift;

    /// <summary>Bits of an address inside its page.</summary>
    public const ulong PageMask = PageBytes - 1;

    /// <summary>TASK_SIZE: first address that is no user address.</summary>
    public const ulong Top = 1UL << 48;

    /// <summary>vm.mmap_min_addr: nothing is mapped below.</summary>
    public const ulong LowestMapping = 0x10000;

    /// <summary>stack_guard_gap: bytes that stay free below an area that grows down.</summary>
    public const ulong StackGuard = 256UL << PageShift;

    /// <summary>vm.max_map_count: areas of one address space.</summary>
    public const int MaximumAreas = 65530;

    /// <summary>Random bits of the mmap base, in pages.</summary>
    public const int MapRandomBits = 28;

    /// <summary>Random bits of the stack top, in pages (STACK_RND_MASK).</summary>
    public const int StackRandomBits = 18;

    /// <summary>Least distance of the mmap base from the top (MIN_GAP).</summary>
    public const ulong LeastStackGap = 128UL << 20;

    /// <summary>Greatest distance of the mmap base from the top (MAX_GAP).</summary>
    public const ulong GreatestStackGap = Top / 6 * 5;

    /// <summary>No limit (RLIM_INFINITY).</summary>
    public const ulong Unlimited = ulong.MaxValue;

    /// <summary>The page that holds <paramref name="address"/>.</summary>
    public static ulong PageFloor(ulong address) => address & ~PageMask;

    /// <summary>The next page boundary at or after <paramref name="address"/>; 0 when that overflows (PAGE_ALIGN).</summary>
    public static ulong PageCeiling(ulong address) => unchecked(address + PageMask) & ~PageMask;

    /// <summary>Whether the address stands at a page's start.</summary>
    public static bool IsAligned(ulong address) => (address & PageMask) == 0;

    /// <summary>The address without its tag (top-byte-ignore), as untagged_addr does for user addresses.</summary>
    public static ulong Untag(ulong address) => (ulong)((long)(address << 8) >> 8) & address;
}
