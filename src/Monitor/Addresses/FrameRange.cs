namespace BlackBox.Monitor;

/// <summary>Contiguous frames; made only by <see cref="TryDecode"/> from what a caller passed, or by trusted boot code.</summary>
public readonly struct FrameRange(FrameNumber first, ulong count)
{
    /// <summary>First frame.</summary>
    public FrameNumber First { get; } = first;

    /// <summary>Number of frames.</summary>
    public ulong Count { get; } = count;

    /// <summary>First frame after the range.</summary>
    public FrameNumber End => First + Count;

    /// <summary>Does the range lie inside one 2 MiB block?</summary>
    public bool IsInOneBlock => First.Value / FrameNumber.PerBlock == (End.Value - 1) / FrameNumber.PerBlock;

    /// <summary>Have the two ranges a frame in common?</summary>
    public bool Overlaps(FrameRange other) => First.Value < other.End.Value && other.First.Value < End.Value;

    /// <summary><paramref name="count"/> frames from the <paramref name="offset"/>-th on.</summary>
    public FrameRange Slice(ulong offset, ulong count) => new(First + offset, count);

    /// <summary>Checks arguments of a hypercall: aligned address, 1 to <paramref name="maximum"/> frames, all inside the frame table.</summary>
    public static bool TryDecode(ulong address, ulong count, ulong maximum, out FrameRange range)
    {
        range = new FrameRange(new PhysicalAddress(address).Frame, count);
        return (address & (FrameNumber.Size - 1)) == 0
            && count - 1 < maximum
            && FrameTable.Contains(range.First)
            && FrameTable.Contains(range.First + (count - 1));
    }
}
