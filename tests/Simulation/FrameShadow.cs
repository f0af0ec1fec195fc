using System.Runtime.InteropServices;

namespace BlackBox.Simulation;

/// <summary>What the checker knows of one frame beside its contents.</summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal struct FrameShadow
{
    public const int Bytes = 32;

    /// <summary>If the frame is a table of a live tree: VTTBR of that tree; else 0.</summary>
    public ulong Vttbr;

    /// <summary>IPA at which the table's part of the tree starts.</summary>
    public ulong Ipa;

    /// <summary>Level of the table.</summary>
    public byte Level;

    /// <summary>Leaves of live trees that yield this frame: the OS's, a PPAS's at PA, a PPAS's at PA | LentBit.</summary>
    public byte OsLeaves;
    public byte PrivateLeaves;
    public byte LentLeaves;

    /// <summary>1: the newest bytes may stand in a cache only.</summary>
    public byte IsDirty;

    /// <summary>CPUs whose cache maintenance of the frame waits for a DSB.</summary>
    public ushort Cleaning;

    /// <summary>CPUs that wrote into the frame and did not order that by a barrier yet.</summary>
    public ushort Unordered;

    public readonly bool IsTable => Vttbr != 0;

    public readonly bool IsMapped => (OsLeaves | PrivateLeaves | LentLeaves) != 0;
}
