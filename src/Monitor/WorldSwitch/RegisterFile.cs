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

    [FieldOffset(0x000)] public GeneralRegisters General;
    [FieldOffset(0x0f8)] public ulong Pc;
    [FieldOffset(0x100)] public ulong Pstate;
    [FieldOffset(0x108)] public ulong SpEl0;
    [FieldOffset(0x110)] public ulong Sctlr;
    [FieldOffset(0x118)] public ulong Cpacr;
    [FieldOffset(0x120)] public ulong Ttbr0;
    [FieldOffset(0x128)] public ulong Ttbr1;
    [FieldOffset(0x130)] public ulong Tcr;
    [FieldOffset(0x138)] public ulong Mair;
    [FieldOffset(0x140)] public ulong Amair;
    [FieldOffset(0x148)] public ulong Vbar;
    [FieldOffset(0x150)] public ulong ContextId;
    [FieldOffset(0x158)] public ulong TpidrEl1;
    [FieldOffset(0x160)] public ulong TpidrEl0;
    [FieldOffset(0x168)] public ulong TpidrroEl0;
    [FieldOffset(0x170)] public ulong SpEl1;
    [FieldOffset(0x178)] public ulong Elr;
    [FieldOffset(0x180)] public ulong Spsr;
    [FieldOffset(0x188)] public ulong Esr;
    [FieldOffset(0x190)] public ulong Far;
    [FieldOffset(0x198)] public ulong Afsr0;
    [FieldOffset(0x1a0)] public ulong Afsr1;
    [FieldOffset(0x1a8)] public ulong Par;
    [FieldOffset(0x1b0)] public ulong Cntkctl;
    [FieldOffset(0x1b8)] public ulong Csselr;
    [FieldOffset(0x1c0)] public ulong Mdscr;
    [FieldOffset(0x1d0)] public ulong CntvCval;
    [FieldOffset(0x1d8)] public ulong CntvCtl;

    /// <summary>First of ten words: APIA, APIB, APDA, APDB, APGA, low then high.</summary>
    [FieldOffset(0x200)] public ulong PointerKeys;
    [FieldOffset(0x270)] public ulong Fpcr;
    [FieldOffset(0x278)] public ulong Fpsr;
    [FieldOffset(0x280)] public VectorRegisters Vector;
}
