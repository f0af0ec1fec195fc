using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>The general registers x0 to x30.</summary>
[InlineArray(Count)]
internal struct GeneralRegisters
{
    public const int Count = 31;

    private ulong first;
}

/// <summary>
/// Registers of the program at its entry into the shield, at the top of the thread's kernel stack. The layout is that
/// of the entry code in Start/Vectors.S. FP/SIMD registers stay live in the hardware but for q16 and q17 (see <c>Hardware.SaveVectors</c>).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UserRegisters
{
    /// <summary>Bytes of this structure.</summary>
    public const int Size = 320;

    /// <summary>PSTATE bits that a program may set for itself: N, Z, C, V (SPSR_EL1, Arm ARM C5.2.18).</summary>
    public const ulong UserStateMask = 0xF000_0000;

    public GeneralRegisters X;
    public ulong Sp;
    public ulong Pc;
    public ulong Pstate;

    /// <summary>x0 as it was at the SVC: put back when a call is to be made again.</summary>
    public ulong FirstArgument;

    /// <summary>ESR_EL1 of the entry.</summary>
    public ulong Syndrome;

    /// <summary>q16 and q17, which compiled code of the shield uses for moves: low and high halves.</summary>
    public ulong V16Low;
    public ulong V16High;
    public ulong V17Low;
    public ulong V17High;
}
