using System;

namespace BlackBox.Simulation;

/// <summary>Memory that can go back: the old contents of a page are kept when it is first touched after a mark. Marks nest.</summary>
internal sealed class JournaledMemory(int bytes)
{
    public const int PageBytes = 4096;
    private const int PageShift = 12;

    private readonly byte[] _data = GC.AllocateArray<byte>(bytes, pinned: true);

    // Level at which a page was last saved.
    private readonly int[] _savedAt = new int[(bytes + PageBytes - 1) >> PageShift];
    private readonly int[] _starts = new int[8];
    private (int Page, int SavedAt)[] _log = new (int, int)[64];
    private byte[] _old = new byte[64 * PageBytes];
    private int _count;
    private int _level;

    public int Length => _data.Length;

    /// <summary>Everything, for a look.</summary>
    public ReadOnlySpan<byte> Data => _data;

    /// <summary>Bytes that the caller may write.</summary>
    public Span<byte> Touch(int offset, int length)
    {
        if (length > 0)
        {
            int last = (offset + length - 1) >> PageShift;
            for (int page = offset >> PageShift; page <= last; page++)
            {
                if (_savedAt[page] < _level)
                {
                    Save(page);
                }
            }
        }

        return _data.AsSpan(offset, length);
    }

    /// <summary>Makes the present contents a state to come back to; its level is the answer.</summary>
    public int Push()
    {
        _starts[++_level] = _count;
        return _level;
    }

    /// <summary>Goes back to the contents at the mark, which stays; marks above it are gone.</summary>
    public void Undo(int level)
    {
        while (_count > _starts[level])
        {
            _count--;
            (int page, int savedAt) = _log[_count];
            _old.AsSpan(_count << PageShift, PageBytes).CopyTo(_data.AsSpan(page << PageShift));
            _savedAt[page] = savedAt;
        }

        _level = level;
    }

    private void Save(int page)
    {
        if (_count == _log.Length)
        {
            Array.Resize(ref _log, _count * 2);
            Array.Resize(ref _old, _old.Length * 2);
        }

        _log[_count] = (page, _savedAt[page]);
        _data.AsSpan(page << PageShift, PageBytes).CopyTo(_old.AsSpan(_count << PageShift));
        _savedAt[page] = _level;
        _count++;
    }
}
