namespace BlackBox.Shield;

/// <summary>Kernel stacks as a test sees them: a frame for the saved registers.</summary>
internal static class Stacks
{
    public static bool TryGet(int slot, out ulong top)
    {
        top = 0;
        if (!Frames.TryAllocate(out FrameAddress frame))
        {
            return false;
        }

        top = Hardware.KernelAddress(frame.Value) + FrameAddress.Size;
        return true;
    }
}
