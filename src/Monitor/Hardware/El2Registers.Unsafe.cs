using System.Runtime;
using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>System registers (Assembly/Primitives.S). Named as in the Arm ARM; what the values mean is said where they are used.</summary>
internal static class El2Registers
{
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_cpu")]
    internal static extern ulong ReadCpu();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_esr_el2")]
    internal static extern ulong ReadEsrEl2();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_far_el2")]
    internal static extern ulong ReadFarEl2();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_hpfar_el2")]
    internal static extern ulong ReadHpfarEl2();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_counter")]
    internal static extern ulong ReadCounter();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_frequency")]
    internal static extern ulong ReadFrequency();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_interrupt_status")]
    internal static extern ulong ReadInterruptStatus();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_cache_type")]
    internal static extern ulong ReadCacheType();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_zero_size")]
    internal static extern ulong ReadZeroSize();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_pfr0")]
    internal static extern ulong ReadPfr0();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_pfr1")]
    internal static extern ulong ReadPfr1();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_isar0")]
    internal static extern ulong ReadIsar0();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_isar1")]
    internal static extern ulong ReadIsar1();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_isar2")]
    internal static extern ulong ReadIsar2();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_mmfr0")]
    internal static extern ulong ReadMmfr0();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_mmfr1")]
    internal static extern ulong ReadMmfr1();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_pmcr")]
    internal static extern ulong ReadPmcr();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_hcr")]
    internal static extern ulong ReadHcr();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_hcr")]
    internal static extern void WriteHcr(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_vttbr")]
    internal static extern ulong ReadVttbr();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_vtcr")]
    internal static extern void WriteVtcr(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_zcr")]
    internal static extern void WriteZcr(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_smcr")]
    internal static extern void WriteSmcr(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_svcr")]
    internal static extern void WriteSvcr(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_smfr0")]
    internal static extern ulong ReadSmfr0();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_hcrx")]
    internal static extern void WriteHcrx(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_sctlr_el1")]
    internal static extern ulong ReadSctlrEl1();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_sctlr_el1")]
    internal static extern void WriteSctlrEl1(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_vbar_el1")]
    internal static extern ulong ReadVbarEl1();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_esr_el1")]
    internal static extern void WriteEsrEl1(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_read_far_el1")]
    internal static extern ulong ReadFarEl1();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_far_el1")]
    internal static extern void WriteFarEl1(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_elr_el1")]
    internal static extern void WriteElrEl1(ulong value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_write_spsr_el1")]
    internal static extern void WriteSpsrEl1(ulong value);
}
