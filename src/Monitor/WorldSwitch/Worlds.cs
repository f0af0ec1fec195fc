using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>The EL2 registers that make a world: what traps, and which stage-2 applies.</summary>
internal static class Worlds
{
    // HCR_EL2 (Arm ARM D19.2.48)
    private const ulong Vm = 1UL << 0;
    private const ulong Fmo = 1UL << 3;
    private const ulong Imo = 1UL << 4;
    private const ulong Amo = 1UL << 5;
    private const ulong Vi = 1UL << 7;
    private const ulong Tsc = 1UL << 19;
    private const ulong Tidcp = 1UL << 20;
    private const ulong Tacr = 1UL << 21;
    private const ulong Tsw = 1UL << 22;
    private const ulong Rw = 1UL << 31;
    private const ulong Terr = 1UL << 36;
    private const ulong Tea = 1UL << 37;
    private const ulong Apk = 1UL << 40;
    private const ulong Api = 1UL << 41;
    private const ulong Ata = 1UL << 56;

    // CPTR_EL2 with HCR_EL2.E2H = 0: bits 13, 9, 7-0 are RES1; TSM and TZ are RES1 where SME and SVE are missing.
    private const ulong CptrBase = 0x33ff;
    private const ulong CptrTz = 1UL << 8;
    private const ulong CptrTsm = 1UL << 12;
    private const ulong CptrTta = 1UL << 20;

    // MDCR_EL2
    private const ulong MdcrTpmcr = 1UL << 5;
    private const ulong MdcrTpm = 1UL << 6;
    private const ulong MdcrTda = 1UL << 9;
    private const ulong MdcrTdosa = 1UL << 10;
    private const ulong MdcrTdra = 1UL << 11;
    private const ulong MdcrHpmd = 1UL << 17;
    private const ulong MdcrTtrf = 1UL << 19;
    private const ulong MdcrHccd = 1UL << 23;

    // CNTHCTL_EL2 with E2H = 0
    private const ulong CounterEl1 = 1UL << 0;
    private const ulong TimerEl1 = 1UL << 1;
    private const ulong TrapVirtualTimer = 1UL << 13;

    // VTCR_EL2: 40-bit PA and IPA, 4 KiB granule, start level 1 (two concatenated tables), write-back, inner shareable, 8-bit VMID
    private const ulong Vtcr = 0x8002_3558;

    private static ulong _osHcr;
    private static ulong _osCptr;
    private static ulong _containerHcr;
    private static ulong _mdcr;

    /// <summary>Boot: the values for this machine.</summary>
    public static void Choose()
    {
        ulong keys = CpuFeatures.HasKeys ? Apk | Api : 0;
        _osHcr = Vm | Rw | Tsc | keys | (CpuFeatures.HasTags ? Ata : 0);
        _containerHcr = Vm | Rw | Tsc | Imo | Fmo | Amo | Tidcp | Tacr | Tsw | Terr | Tea | keys;
        _osCptr = CptrBase & ~(CpuFeatures.HasScalableVectors ? CptrTz : 0) & ~(CpuFeatures.HasMatrix ? CptrTsm : 0);
        _mdcr = MdcrHpmd | MdcrHccd | ((El2Registers.ReadPmcr() >> 11) & 0x1f);
    }

    /// <summary>Once per CPU start: everything at EL2 that both worlds share, and EL1 as after reset (booting.rst of Linux).</summary>
    public static void InitialiseCpu()
    {
        El2Registers.WriteVtcr(Vtcr);
        El2.ResetRegisters();
        if (CpuFeatures.HasExtendedHcr)
        {
            El2Registers.WriteHcrx(0);
        }

        if (CpuFeatures.HasFineTraps)
        {
            El2.ResetFineTraps(CpuFeatures.HasMatrix ? 3UL << 54 : 0);    // nSMPRI_EL1, nTPIDR2_EL0: no trap
        }

        EnterOs();
        if (CpuFeatures.HasScalableVectors)
        {
            El2Registers.WriteZcr(0xf);
        }

        if (CpuFeatures.HasMatrix)
        {
            El2Registers.WriteSmcr(0xf | (CpuFeatures.HasFullMatrixSet ? 1UL << 31 : 0));
            El2Registers.WriteSvcr(0);
        }

        El2Registers.WriteSctlrEl1(0x30d0_0800);
        El2.ClearVectors();
        El2.InvalidateAll();
    }

    /// <summary>From now on EL1 and EL0 are the OS's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EnterOs() => El2.EnterWorld(OsStageTwo.Vttbr, _osHcr, _osCptr, _mdcr, CounterEl1 | TimerEl1);

    /// <summary>Before a container comes after the OS: leaves streaming mode, clears ZA.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EndStreaming()
    {
        if (CpuFeatures.HasMatrix)
        {
            El2Registers.WriteSvcr(0);
        }
    }

    /// <summary>From now on EL1 and EL0 are a container's: interrupts, SError and external aborts come to EL2; no timer, debug, PMU, trace,
    /// SVE, SME.</summary>
    /// <param name="vttbr">VMID and root of its stage-2</param>
    /// <param name="hasEvent">raise the virtual interrupt</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EnterContainer(ulong vttbr, bool hasEvent)
    {
        El2.EnterWorld(vttbr, _containerHcr | (hasEvent ? Vi : 0), CptrBase | CptrTz | CptrTsm | CptrTta,
            _mdcr | MdcrTpmcr | MdcrTpm | MdcrTda | MdcrTdosa | MdcrTdra | MdcrTtrf, CpuFeatures.HasCounterTraps ? TrapVirtualTimer : 0);
    }

    /// <summary>Raises or lowers the virtual interrupt of the running container.</summary>
    public static void SetEvent(bool hasEvent) => El2Registers.WriteHcr(_containerHcr | (hasEvent ? Vi : 0));
}
