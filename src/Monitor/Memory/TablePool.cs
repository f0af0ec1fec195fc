namespace BlackBox.Monitor;

/// <summary>Free list of frames for stage-2 tables. The link stands in the first word of each free frame, the rest of which is zero;
/// the frames are the monitor's, so the links can be trusted. Protected by the lock of the tree that uses it.</summary>
public struct TablePool
{
    private PhysicalAddress _first;
    private uint _count;
    private uint _reserved;

    /// <summary>First free frame, or 0; the link to the next stands in its first word.</summary>
    public readonly PhysicalAddress First => _first;

    /// <summary>Free frames.</summary>
    public readonly uint Count => _count;

    /// <summary>Free frames promised to 2 MiB blocks: one each, so that a block can always be split.</summary>
    public readonly uint Reserved => _reserved;

    /// <summary>Can <paramref name="needed"/> frames be taken or promised beside those already promised?</summary>
    public readonly bool HasSpare(uint needed) => _count >= (ulong)_reserved + needed;

    /// <summary>Promises a frame to a new block.</summary>
    public void Reserve() => _reserved++;

    /// <summary>The block is gone.</summary>
    public void Unreserve() => _reserved--;

    /// <summary>Adds a frame that is all zero.</summary>
    public void Push(PhysicalAddress frame)
    {
        Hardware.WriteLong(frame, _first.Value);
        _first = frame;
        _count++;
    }

    /// <summary>Takes a frame, all zero. The caller has made sure that there is one.</summary>
    public PhysicalAddress Pop()
    {
        if (_count == 0)
        {
            Hardware.Panic("table pool is empty"u8);
        }

        PhysicalAddress frame = _first;
        _first = new PhysicalAddress(Hardware.ReadLong(frame));
        _count--;
        Hardware.WriteLong(frame, 0);
        return frame;
    }
}
