using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

/// <summary>Takes exceptions to EL1 of the world that runs, as the CPU itself would (Arm ARM, AArch64.TakeException): a container's into its
/// shield, the OS's into its kernel.</summary>
internal static class Injection
{
    /// <summary>PSTATE.SS in an SPSR.</summary>
    public const ulong StepBit = 1UL << 21;

    public const ulong ClassUndefined = 0;
    public const ulong ClassInstructionAbort = 0x20;
    public const ulong ClassDataAbort = 0x24;
    public const ulong ClassSoftwareStep = 0x32;

    /// <summary>Fault status: permission fault, level 3.</summary>
    public const ulong PermissionFault = 0x0f;

    /// <summary>Fault status: synchronous external abort; on a stage-1 table walk.</summary>
    public const ulong ExternalAbort = 0x10;
    public const ulong ExternalAbortOnWalk = 0x17;

    private const ulong InstructionLength = 1UL << 25;
    private const ulong ModeMask = 0xf;
    private const ulong ModeEl1h = 5;
    private const ulong ModeAArch32 = 1UL << 4;

    /// <summary>Is it EL0?</summary>
    public static bool IsUser(ulong pstate) => (pstate & (ModeMask | ModeAArch32)) == 0 || (pstate & ModeAArch32) != 0;

    /// <summary>Is it EL0 in AArch64?</summary>
    public static bool IsUser64(ulong pstate) => (pstate & (ModeMask | ModeAArch32)) == 0;

    /// <summary>Instruction or register that does not exist.</summary>
    public static void Undefined(ref RegisterFile frame) => Take(ref frame, ClassUndefined, 0, El2Registers.ReadFarEl1());

    /// <summary>Instruction or data abort at <paramref name="address"/>, from the level that runs.</summary>
    public static void Abort(ref RegisterFile frame, bool isInstruction, ulong syndrome, ulong address) =>
        Take(ref frame, isInstruction ? ClassInstructionAbort : ClassDataAbort, syndrome, address);

    /// <summary>A software step exception that the CPU owes.</summary>
    public static void SoftwareStep(ref RegisterFile frame) => Take(ref frame, ClassSoftwareStep, 0x22, frame.Pc);

    /// <summary>PSTATE in EL1 after an exception: EL1h, all masked, PAN, SSBS and TCO by SCTLR_EL1; condition flags and DIT stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong EntryPstate(ulong old, ulong sctlr)
    {
        const ulong Flags = 0xfUL << 28;
        const ulong Tco = 1UL << 25;
        const ulong Dit = 1UL << 24;
        const ulong Pan = 1UL << 22;
        const ulong Ssbs = 1UL << 12;
        const ulong Masks = 0xfUL << 6;
        const ulong SctlrSpan = 1UL << 23;
        const ulong SctlrDssbs = 1UL << 44;
        ulong kept = (old & ModeAArch32) != 0 ? Flags : Flags | Dit;
        return (old & kept) | Masks | ModeEl1h
            | ((sctlr & SctlrSpan) == 0 ? Pan : old & Pan)
            | ((sctlr & SctlrDssbs) != 0 ? Ssbs : 0)
            | (CpuFeatures.HasTags ? Tco : 0);
    }

    // The registers of EL1 are live. An abort or step "from the same level" has the class one higher than from below.
    private static void Take(ref RegisterFile frame, ulong exceptionClass, ulong syndrome, ulong address)
    {
        bool isUser = IsUser(frame.Pstate);
        ulong vector = isUser ? (frame.Pstate & ModeAArch32) != 0 ? 0x600UL : 0x400UL : (frame.Pstate & 1) != 0 ? 0x200UL : 0UL;
        if (!isUser && exceptionClass != ClassUndefined)
        {
            exceptionClass++;
        }

        El2Registers.WriteEsrEl1((exceptionClass << 26) | InstructionLength | syndrome);
        El2Registers.WriteFarEl1(address);
        El2Registers.WriteElrEl1(frame.Pc);
        El2Registers.WriteSpsrEl1(frame.Pstate);
        frame.Pc = El2Registers.ReadVbarEl1() + vector;
        frame.Pstate = EntryPstate(frame.Pstate, El2Registers.ReadSctlrEl1());
    }
}
