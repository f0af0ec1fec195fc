using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>The redistributors of the interrupt controller (GICv3, Arm IHI 0069). With LPIs on they read and write tables in memory where GICR_PROPBASER and
/// GICR_PENDBASER point, past the SMMU; so the OS sees these registers read-only, and what it writes there comes here.</summary>
internal static class Redistributors
{
    /// <summary>Bytes from one redistributor to the next: a frame of control registers, a frame of those for SGIs and PPIs.</summary>
    public const ulong Stride = 0x2_0000;

    /// <summary>Bytes of each of the two.</summary>
    public const ulong Half = 0x1_0000;

    private const ulong Control = 0x00;
    private const ulong Waker = 0x14;
    private const uint EnableLpis = 1;
    private const ulong SyndromeValid = 1UL << 24;
    private const ulong InstructionLength = 4;

    private static AddressRange _range;

    /// <summary>Boot: those of the CPUs there are.</summary>
    public static void Set(AddressRange range) => _range = range;

    /// <summary>A store of the OS that its stage-2 refused: performs what may be, ignores what may not.</summary>
    /// <param name="target">address of the store</param>
    /// <returns>false: it is not one to a redistributor</returns>
    public static bool TryWrite(ref RegisterFile os, ulong syndrome, ulong target)
    {
        ulong offset = target - _range.Start;
        ulong register = offset % Stride;
        if (offset >= _range.Size || register >= Half || (syndrome & SyndromeValid) == 0)
        {
            return false;
        }

        int source = (int)(syndrome >> 16) & 31;
        uint value = source == 31 ? 0 : (uint)os.General[source];
        bool isWord = ((syndrome >> 22) & 3) == 2;
        if (isWord && register is (Control or Waker))
        {
            Hardware.WriteDevice(target, register == Control ? value & ~EnableLpis : value);
        }
        else
        {
            Audit.Refuse(AbiConstants.AuditRuleInterruptController, Audit.NoEnclave, value, target);
        }

        os.Pc += InstructionLength;
        return true;
    }
}
