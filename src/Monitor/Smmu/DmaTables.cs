namespace BlackBox.Monitor;

/// <summary>What devices reach: stage-1 tables of the SMMU, the same for all streams, identity over the OS's own frames. One page entry for each frame
/// of RAM, side by side: nothing is ever split under a running transfer, which a device could not repeat.</summary>
/// <remarks>The caller holds the lock of the OS's stage-2; both change together.</remarks>
public static class DmaTables
{
    // VMSAv8-64 stage 1, level 3: EL0 and EL1 read-write, inner shareable, access flag, attribute 0 (write-back), execute-never.
    private const ulong PageAttributes = (3UL << 53) | 0x743;

    /// <summary>Is there an SMMU that the monitor controls?</summary>
    public static bool IsOn => FrameTable.Layout.DmaPages.Value != 0;

    /// <summary>May a device reach the frame?</summary>
    public static bool Reaches(FrameNumber frame) => (Hardware.ReadEntry(FrameTable.Layout.DmaPages, IndexOf(frame)) & 1) != 0;

    /// <summary>Lets devices reach frames that the OS owns again. Nothing is invalidated: no SMMU keeps entries that are not valid.</summary>
    public static void Map(FrameRange range)
    {
        for (ulong i = 0; IsOn && i < range.Count; i++)
        {
            Hardware.WriteEntry(FrameTable.Layout.DmaPages, IndexOf(range.First + i), (range.First + i).Address.Value | PageAttributes);
        }

        Hardware.DataBarrierStores();
    }

    /// <summary>On return no device reaches the frames, and what was under way has ended.</summary>
    public static void Unmap(FrameRange range)
    {
        for (ulong i = 0; IsOn && i < range.Count; i++)
        {
            Hardware.WriteEntry(FrameTable.Layout.DmaPages, IndexOf(range.First + i), 0);
        }

        if (IsOn)
        {
            Smmu.InvalidateAll();
        }
    }

    // FrameTable has checked the range.
    private static int IndexOf(FrameNumber frame) => (int)(frame.Value - FrameTable.Layout.Ram.First.Value);
}
