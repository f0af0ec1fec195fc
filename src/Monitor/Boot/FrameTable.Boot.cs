namespace BlackBox.Monitor;

public static partial class FrameTable
{
    /// <summary>Boot: every frame the monitor's, then the shield's image, the pages published, and the OS's RAM. The memory of all tables
    /// must be zero.</summary>
    public static void Initialise(in MonitorLayout layout)
    {
        _layout = layout;
        Mark(layout.ShieldImage, FrameWord.Of(FrameState.ShieldImage, 0));
        Mark(new FrameRange(layout.GateFrame, 1), FrameWord.Of(FrameState.Published, 0));
        Mark(layout.PublishedFrames, FrameWord.Of(FrameState.Published, 0));
        Mark(layout.OsRam, FrameWord.Os);
    }

    private static void Mark(FrameRange range, FrameWord word)
    {
        for (ulong i = 0; i < range.Count; i++)
        {
            Write(range.First + i, word);
        }
    }
}
