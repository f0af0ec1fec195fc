using System.Runtime;
using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>
/// The translation hardware: TLBs, instruction caches, TTBR0_EL1. All maintenance reaches the inner shareable domain, since threads of
/// a process run on several CPUs and tasks migrate; the VMID is that of this enclave by itself (Arm ARM D8.13.5).
/// </summary>
internal static class Translation
{
    /// <summary>Stores to page tables, and to frames before they appear in one, come before what follows.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_order_stores")]
    public static extern void OrderStores();

    /// <summary>An entry for one page was made invalid or changed: no CPU uses the old one afterwards.</summary>
    public static void InvalidatePage(ushort asid, ulong address) => InvalidatePageRaw(Operand(asid, address));

    /// <summary>As above, between <see cref="OrderStores"/> and <see cref="Complete"/>, for several pages.</summary>
    public static void InvalidatePageDeferred(ushort asid, ulong address) => InvalidatePageDeferredRaw(Operand(asid, address));

    /// <summary>Waits for the invalidations before.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_complete_invalidation")]
    public static extern void Complete();

    /// <summary>Everything of an ASID, tables included.</summary>
    public static void InvalidateSpace(ushort asid) => InvalidateSpaceRaw(Operand(asid, 0));

    /// <summary>What was written to a frame becomes what any CPU executes there.</summary>
    public static void PublishInstructions(FrameAddress frame) => PublishInstructionsRaw(Hardware.KernelAddress(frame.Value));

    /// <summary>EL0 of this task runs with these tables and this ASID.</summary>
    public static void Activate(FrameAddress root, ushort asid) => ActivateRaw(root.Value | ((ulong)asid << 48));

    /// <summary>TLBI by address: ASID in bits 63 to 48, address bits 55 to 12 in bits 43 to 0.</summary>
    private static ulong Operand(ushort asid, ulong address) => ((ulong)asid << 48) | ((address >> 12) & 0xFFF_FFFF_FFFF);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_invalidate_page")]
    private static extern void InvalidatePageRaw(ulong operand);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_invalidate_page_deferred")]
    private static extern void InvalidatePageDeferredRaw(ulong operand);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_invalidate_space")]
    private static extern void InvalidateSpaceRaw(ulong operand);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_publish_instructions")]
    private static extern void PublishInstructionsRaw(ulong address);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "shield_activate")]
    private static extern void ActivateRaw(ulong value);
}
