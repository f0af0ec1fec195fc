namespace BlackBox.Shield;

/// <summary>
/// Who uses a page's frame: every entry of a process's tables that maps it, and the object that holds it, is one user. The count
/// stands in the allocator's tag of the frame and is the number of users beyond the first.
/// </summary>
internal static class SharedFrames
{
    private static ulong _zero;

    /// <summary>The frame of zeros that stands, read-only, wherever anonymous memory was read but never written. It has no count. Null before <see cref="TryStart"/>.</summary>
    public static FrameAddress Zero => new(_zero);

    /// <summary>Makes the frame of zeros. False: no memory.</summary>
    public static bool TryStart()
    {
        if (_zero != 0)
            return true;
        if (!Frames.TryAllocate(out FrameAddress frame))
            return false;
        Translation.PublishInstructions(frame);
        _zero = frame.Value;
        return true;
    }

    /// <summary>Whether this is the frame of zeros.</summary>
    public static bool IsZero(FrameAddress frame) => frame.Value == _zero;

    /// <summary>One user more.</summary>
    public static void Add(FrameAddress frame)
    {
        if (frame.Value == _zero)
            return;
        ref uint others = ref Frames.Tag(frame);
        if (others == uint.MaxValue)
            Panic.Stop(PanicReason.Invariant, "frame count"u8);
        others++;
    }

    /// <summary>One user less; the last one frees the frame. Nobody may still reach it through a TLB.</summary>
    public static void Release(FrameAddress frame)
    {
        if (frame.Value == _zero)
            return;
        ref uint others = ref Frames.Tag(frame);
        if (others == 0)
            Frames.Free(frame);
        else
            others--;
    }

    /// <summary>Whether the caller's use is the only one.</summary>
    public static bool IsExclusive(FrameAddress frame) => frame.Value != _zero && Frames.Tag(frame) == 0;

    /// <summary>For tests, which start with new memory.</summary>
    internal static void Reset() => _zero = 0;
}
