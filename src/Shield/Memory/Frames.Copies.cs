namespace BlackBox.Shield;

/// <summary>Frames for copies.</summary>
internal static partial class Frames
{
    /// <summary>A frame with whatever it held before: the caller overwrites all of it before anything else can see it.</summary>
    public static bool TryAllocateForCopy(out FrameAddress frame) => TryTake(0, out frame);
}
