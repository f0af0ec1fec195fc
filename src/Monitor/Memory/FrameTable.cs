using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>The frame table: the one record of who owns which frame. Invariant 1: each frame of RAM has exactly one owner.</summary>
public static partial class FrameTable
{
    private static MonitorLayout _layout;

    /// <summary>Where everything is.</summary>
    public static ref readonly MonitorLayout Layout => ref _layout;

    /// <summary>Is the frame described by the table?</summary>
    public static bool Contains(FrameNumber frame) => frame.Value - _layout.Ram.First.Value < _layout.Ram.Count;

    /// <summary>The frame's word now. Without its lock this is a hint only.</summary>
    public static FrameWord Read(FrameNumber frame) => new(Hardware.Read(ref WordOf(frame)));

    /// <summary>Locks all frames of the range in ascending order, each in a word that <paramref name="expected"/> accepts; or none.</summary>
    /// <returns>Success; Busy if another CPU holds a lock; Denied if a frame is in another state or another's.</returns>
    public static Status TryLock(FrameRange range, FrameExpectation expected, out LockedFrames locked)
    {
        for (ulong i = 0; i < range.Count; i++)
        {
            Status status = TryLockOne(range.First + i, expected);
            if (status != Status.Success)
            {
                Unlock(range.Slice(0, i));
                locked = default;
                return status;
            }
        }

        locked = new LockedFrames(range);
        return Status.Success;
    }

    /// <summary>Looks, without locking, whether <see cref="TryLock"/> would accept the states.</summary>
    public static bool Accepts(FrameRange range, FrameExpectation expected)
    {
        for (ulong i = 0; i < range.Count; i++)
        {
            if (!expected.Accepts(Read(range.First + i)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Unlocks; the words stay as they were.</summary>
    internal static void Unlock(FrameRange range)
    {
        for (ulong i = 0; i < range.Count; i++)
        {
            Publish(range.First + i, ReadLocked(range.First + i).Unlocked);
        }
    }

    /// <summary>Gives a locked frame a new word and unlocks it.</summary>
    internal static void Publish(FrameNumber frame, FrameWord word)
    {
        ReadLocked(frame);
        Write(frame, word);
    }

    /// <summary>The word of a frame that the caller has locked.</summary>
    internal static FrameWord ReadLocked(FrameNumber frame)
    {
        FrameWord word = Read(frame);
        if (!word.IsLocked)
        {
            Hardware.Panic("frame is not locked"u8);
        }

        return word;
    }

    private static Status TryLockOne(FrameNumber frame, FrameExpectation expected)
    {
        FrameWord word = Read(frame);
        if (word.IsLocked)
        {
            return Status.Busy;
        }

        if (!expected.Accepts(word))
        {
            return Status.Denied;
        }

        return Hardware.CompareExchange(ref WordOf(frame), word.Value, word.Locked.Value) == word.Value ? Status.Success : Status.Busy;
    }

    private static void Write(FrameNumber frame, FrameWord word) => Hardware.Write(ref WordOf(frame), word.Value);

    private static ref uint WordOf(FrameNumber frame)
    {
        if (!Contains(frame))
        {
            Hardware.Panic("frame outside the frame table"u8);
        }

        return ref Hardware.At<uint>(_layout.FrameWords + ((frame.Value - _layout.Ram.First.Value) * sizeof(uint)));
    }
}

/// <summary>Proof that the current CPU holds the locks of a range. Ends with <see cref="Publish"/> or <see cref="Release"/>, exactly once.</summary>
public readonly ref struct LockedFrames
{
    internal LockedFrames(FrameRange range) => Range = range;

    public FrameRange Range { get; }

    /// <summary>The word of the <paramref name="index"/>-th frame, as it was when it was locked.</summary>
    public FrameWord this[ulong index] => FrameTable.ReadLocked(Range.First + index).Unlocked;

    /// <summary>Gives all frames a new word and unlocks them.</summary>
    public void Publish(FrameWord word)
    {
        for (ulong i = 0; i < Range.Count; i++)
        {
            FrameTable.Publish(Range.First + i, word);
        }
    }

    /// <summary>Unlocks all frames in the state in which they were.</summary>
    public void Release() => FrameTable.Unlock(Range);
}
