namespace BlackBox.Monitor;

public static partial class FrameTable
{
    /// <summary>Boot: every frame the monitor's, then the shield's image, the pages published, and the OS's RAM. The memory of all tables
    /// must be zero.</summary>
    public static void Initialise(in MonitorLayout layout)
    {
        _layout = layout;
        for (ulong i = 0; i < layout.ShieldImage.Count; i++)
        {
            Write(layout.ShieldImage.First + i, FrameWord.Of(FrameState.ShieldImage, 0));
        }

        Write(layout.GateFrame, FrameWord.Of(FrameState.Published, 0));
        Write(layout.AuditFrame, FrameWord.Of(FrameState.Published, 0));
        for (ulong i = 0; i < layout.EvidenceFrames.Count; i++)
        {
            Write(layout.EvidenceFrames.First + i, FrameWord.Of(FrameState.Published, 0));
        }

        for (ulong i = 0; i < layout.OsRam.Count; i++)
        {
            Write(layout.OsRam.First + i, FrameWord.Os);
        }
    }
}
