using System.Runtime;
using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>Instructions and short architected sequences (Assembly/Primitives.S, Switch.S).</summary>
internal static unsafe class El2
{
    /// <summary>AT S1E0R: PAR_EL1 for an address as EL0 would read it.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_translate_read_el0")]
    internal static extern ulong TranslateReadEl0(ulong address);

    /// <summary>AT S1E1R: PAR_EL1 for an address as EL1 would read it.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_translate_read_el1")]
    internal static extern ulong TranslateReadEl1(ulong address);

    /// <summary>Registers of EL2 that both worlds share, and EL1 as after reset (booting.rst of Linux), as far as every CPU has them.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_reset_registers")]
    internal static extern void ResetRegisters();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_dsb")]
    internal static extern void DataBarrier();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_dsb_system")]
    internal static extern void DataBarrierSystem();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_dsb_stores")]
    internal static extern void DataBarrierStores();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_spin_hint")]
    internal static extern void SpinHint();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_invalidate_stage2")]
    internal static extern void InvalidateStageTwo(ulong vttbr, ulong page, ulong pages);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_invalidate_vmid")]
    internal static extern void InvalidateVmid(ulong vttbr);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_invalidate_all")]
    internal static extern void InvalidateAll();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_invalidate_el2")]
    internal static extern void InvalidateEl2();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_zero")]
    internal static extern void Zero(ulong address, ulong bytes, ulong block);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_clean_invalidate")]
    internal static extern void CleanInvalidate(ulong address, ulong bytes, ulong line);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_random")]
    internal static extern ulong Random();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_smc")]
    internal static extern void Smc(SmcRegisters* registers);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_load32")]
    internal static extern uint Load32(ulong address);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_store32")]
    internal static extern void Store32(ulong address, uint value);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_save_registers")]
    internal static extern void SaveRegisters(RegisterFile* file, uint features);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_load_registers")]
    internal static extern void LoadRegisters(RegisterFile* file, uint features);

    /// <summary>Sets the EL2 registers that make a world; complete (ISB) on return.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_enter_world")]
    internal static extern void EnterWorld(ulong vttbr, ulong hcr, ulong cptr, ulong mdcr, ulong cnthctl);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_save_vectors")]
    internal static extern void SaveVectors(RegisterFile* file);

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_clear_vectors")]
    internal static extern void ClearVectors();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_load_vectors")]
    internal static extern void LoadVectors(RegisterFile* file);

    /// <summary>The caller and its callers must not have a canary of their own.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_set_canary")]
    internal static extern void SetCanary(ulong value);

    /// <summary>SGI 0 of the non-secure group to all other CPUs.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_interrupt_others")]
    internal static extern void InterruptOthers();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_park")]
    internal static extern void Park();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_cpu_locals")]
    internal static extern ulong CpuLocals();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_secondary_start_address")]
    internal static extern ulong SecondaryStart();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_shield_start")]
    internal static extern ulong ShieldStart();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_shield_end")]
    internal static extern ulong ShieldEnd();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_image_start")]
    internal static extern ulong ImageStart();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_image_end")]
    internal static extern ulong ImageEnd();

    /// <summary>The fine-grained traps (FEAT_FGT): none, but for what <paramref name="registers"/> says of reads and writes of registers.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_reset_fine_traps")]
    internal static extern void ResetFineTraps(ulong registers);

    /// <summary>Where what the loader loaded ends: from here on memory was zero.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_data_end")]
    internal static extern ulong DataEnd();

    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_gate_page")]
    internal static extern ulong GatePage();

    /// <summary>EL2's page tables, in the order of Assembly/Start.S: level 1, RAM, last GiB, image, devices.</summary>
    [MethodImpl(MethodImplOptions.InternalCall), RuntimeImport("*", "bb_tables")]
    internal static extern ulong Tables();
}
