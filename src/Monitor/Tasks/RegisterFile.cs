using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>x0 to x30.</summary>
[InlineArray(31)]
public struct GeneralRegisters
{
    private ulong _x0;
}

/// <summary>q0 to q31, two 64-bit words each.</summary>
[InlineArray(64)]
public struct VectorRegisters
{
    private ulong _q0;
}

/// <summary>All registers of one world on one CPU that EL1 and EL0 can see (Arm ARM D19; which of them a CPU has is the
/// business of the code that saves them). The vectors store x0-x30, PC and PSTATE at exception entry, so the first part is
/// valid whenever EL2 runs; the rest only after a world switch. Offsets are shared with assembly:
/// src/Monitor/Assembly/context-offsets.inc, compared by a test.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
public struct RegisterFile
{
    /// <summary>Bytes of the structure.</summary>
    public const int Bytes = 0x480;

    public const int GeneralOffset = 0x000;
    public const int PcOffset = 0x0f8;
    public const int PstateOffset = 0x100;
    public const int SpEl0Offset = 0x108;
    public const int SctlrOffset = 0x110;
    public const int CpacrOffset = 0x118;
    public const int Ttbr0Offset = 0x120;
    public const int Ttbr1Offset = 0x128;
    public const int TcrOffset = 0x130;
    public const int MairOffset = 0x138;
    public const int AmairOffset = 0x140;
    public const int VbarOffset = 0x148;
    public const int ContextIdOffset = 0x150;
    public const int TpidrEl1Offset = 0x158;
    public const int TpidrEl0Offset = 0x160;
    public const int TpidrroEl0Offset = 0x168;
    public const int SpEl1Offset = 0x170;
    public const int ElrOffset = 0x178;
    public const int SpsrOffset = 0x180;
    public const int EsrOffset = 0x188;
    public const int FarOffset = 0x190;
    public const int Afsr0Offset = 0x198;
    public const int Afsr1Offset = 0x1a0;
    public const int ParOffset = 0x1a8;
    public const int CntkctlOffset = 0x1b0;
    public const int CsselrOffset = 0x1b8;
    public const int MdscrOffset = 0x1c0;
    public const int ActlrOffset = 0x1c8;
    public const int CntvCtlOffset = 0x1d0;
    public const int CntvCvalOffset = 0x1d8;
    public const int CntpCtlOffset = 0x1e0;
    public const int CntpCvalOffset = 0x1e8;
    public const int ScxtnumEl1Offset = 0x1f0;
    public const int ScxtnumEl0Offset = 0x1f8;
    public const int PointerKeysOffset = 0x200;
    public const int TfsrEl1Offset = 0x250;
    public const int TfsrEl0Offset = 0x258;
    public const int RgsrOffset = 0x260;
    public const int GcrOffset = 0x268;
    public const int FpcrOffset = 0x270;
    public const int FpsrOffset = 0x278;
    public const int VectorOffset = 0x280;

    [FieldOffset(GeneralOffset)] public GeneralRegisters General;
    [FieldOffset(PcOffset)] public ulong Pc;
    [FieldOffset(PstateOffset)] public ulong Pstate;
    [FieldOffset(SpEl0Offset)] public ulong SpEl0;
    [FieldOffset(SctlrOffset)] public ulong Sctlr;
    [FieldOffset(CpacrOffset)] public ulong Cpacr;
    [FieldOffset(Ttbr0Offset)] public ulong Ttbr0;
    [FieldOffset(Ttbr1Offset)] public ulong Ttbr1;
    [FieldOffset(TcrOffset)] public ulong Tcr;
    [FieldOffset(MairOffset)] public ulong Mair;
    [FieldOffset(AmairOffset)] public ulong Amair;
    [FieldOffset(VbarOffset)] public ulong Vbar;
    [FieldOffset(ContextIdOffset)] public ulong ContextId;
    [FieldOffset(TpidrEl1Offset)] public ulong TpidrEl1;
    [FieldOffset(TpidrEl0Offset)] public ulong TpidrEl0;
    [FieldOffset(TpidrroEl0Offset)] public ulong TpidrroEl0;
    [FieldOffset(SpEl1Offset)] public ulong SpEl1;
    [FieldOffset(ElrOffset)] public ulong Elr;
    [FieldOffset(SpsrOffset)] public ulong Spsr;
    [FieldOffset(EsrOffset)] public ulong Esr;
    [FieldOffset(FarOffset)] public ulong Far;
    [FieldOffset(Afsr0Offset)] public ulong Afsr0;
    [FieldOffset(Afsr1Offset)] public ulong Afsr1;
    [FieldOffset(ParOffset)] public ulong Par;
    [FieldOffset(CntkctlOffset)] public ulong Cntkctl;
    [FieldOffset(CsselrOffset)] public ulong Csselr;
    [FieldOffset(MdscrOffset)] public ulong Mdscr;
    [FieldOffset(ActlrOffset)] public ulong Actlr;
    [FieldOffset(CntvCtlOffset)] public ulong CntvCtl;
    [FieldOffset(CntvCvalOffset)] public ulong CntvCval;
    [FieldOffset(CntpCtlOffset)] public ulong CntpCtl;
    [FieldOffset(CntpCvalOffset)] public ulong CntpCval;
    [FieldOffset(ScxtnumEl1Offset)] public ulong ScxtnumEl1;
    [FieldOffset(ScxtnumEl0Offset)] public ulong ScxtnumEl0;

    /// <summary>First of ten words: APIA, APIB, APDA, APDB, APGA, low then high.</summary>
    [FieldOffset(PointerKeysOffset)] public ulong PointerKeys;
    [FieldOffset(TfsrEl1Offset)] public ulong TfsrEl1;
    [FieldOffset(TfsrEl0Offset)] public ulong TfsrEl0;
    [FieldOffset(RgsrOffset)] public ulong Rgsr;
    [FieldOffset(GcrOffset)] public ulong Gcr;
    [FieldOffset(FpcrOffset)] public ulong Fpcr;
    [FieldOffset(FpsrOffset)] public ulong Fpsr;
    [FieldOffset(VectorOffset)] public VectorRegisters Vector;
}
