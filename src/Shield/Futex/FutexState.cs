namespace BlackBox.Shield;

/// <summary>A thread's place in the futex queues. Kept in private memory: whether it was woken is never the OS's word.</summary>
internal struct FutexState
{
    /// <summary>What the thread waits on, if <see cref="Queued"/>.</summary>
    public FutexKey Key;

    /// <summary>FUTEX_WAIT_BITSET's mask.</summary>
    public uint Bitset;

    /// <summary>Value of this thread's mirror word: every wake-up changes it, so that Linux cannot sleep through one.</summary>
    public uint Sequence;

    /// <summary>In a queue.</summary>
    public bool Queued;

    /// <summary>Taken out of the queue by a wake-up.</summary>
    public bool Woken;

    public Handle<Thread> Next
    {
        readonly get => next.As<Thread>();
        set => next = value.Raw;
    }
    public Handle<Thread> Previous
    {
        readonly get => previous.As<Thread>();
        set => previous = value.Raw;
    }

    private RawHandle next;
    private RawHandle previous;
}
