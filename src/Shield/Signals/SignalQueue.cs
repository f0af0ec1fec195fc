namespace BlackBox.Shield;

/// <summary>The queue of one thread, first in first out. Standard signals stand in it once, as in Linux.</summary>
internal static class SignalQueue
{
    /// <summary>Entries at most: a hostile OS must not fill the enclave's memory with signals.</summary>
    private const int Most = 128;

    /// <summary>Appends. False: already pending, or the queue is full.</summary>
    public static bool TryAdd(ref Thread thread, int signal, in SignalInformation information)
    {
        ref SignalState state = ref thread.Signals;
        if (state.Count >= Most || (signal < SignalNumber.FirstRealtime && Contains(ref thread, signal)) || !Pool<QueuedSignal>.TryAdd(out Handle<QueuedSignal> handle))
        {
            return false;
        }

        ref QueuedSignal entry = ref Pool<QueuedSignal>.Get(handle);
        entry.Signal = signal;
        entry.Information = information;
        if (state.Last.IsNull)
        {
            state.First = handle;
        }
        else
        {
            Pool<QueuedSignal>.Get(state.Last).Next = handle;
        }

        state.Last = handle;
        state.Count++;
        return true;
    }

    /// <summary>Takes the first signal that <paramref name="blocked"/> does not block.</summary>
    public static bool TryTake(ref Thread thread, ulong blocked, out int signal, out SignalInformation information)
    {
        ref SignalState state = ref thread.Signals;
        Handle<QueuedSignal> previous = default;
        for (Handle<QueuedSignal> at = state.First; !at.IsNull; at = Pool<QueuedSignal>.Get(at).Next)
        {
            ref QueuedSignal entry = ref Pool<QueuedSignal>.Get(at);
            if ((SignalNumber.Bit(entry.Signal) & blocked) == 0)
            {
                signal = entry.Signal;
                information = entry.Information;
                Unlink(ref state, previous, at, entry.Next);
                return true;
            }

            previous = at;
        }

        signal = 0;
        information = default;
        return false;
    }

    /// <summary>Signals in the queue as a mask.</summary>
    public static ulong Pending(ref Thread thread)
    {
        ulong pending = 0;
        for (Handle<QueuedSignal> at = thread.Signals.First; !at.IsNull; at = Pool<QueuedSignal>.Get(at).Next)
        {
            pending |= SignalNumber.Bit(Pool<QueuedSignal>.Get(at).Signal);
        }

        return pending;
    }

    public static void Clear(ref Thread thread)
    {
        while (TryTake(ref thread, 0, out _, out _))
        {
        }
    }

    /// <summary>Takes every entry of one signal out: its action has become to ignore it.</summary>
    public static void Drop(ref Thread thread, int signal)
    {
        while (TryTake(ref thread, ~SignalNumber.Bit(signal), out _, out _))
        {
        }
    }

    private static bool Contains(ref Thread thread, int signal) => (Pending(ref thread) & SignalNumber.Bit(signal)) != 0;

    private static void Unlink(ref SignalState state, Handle<QueuedSignal> previous, Handle<QueuedSignal> at, Handle<QueuedSignal> next)
    {
        if (previous.IsNull)
        {
            state.First = next;
        }
        else
        {
            Pool<QueuedSignal>.Get(previous).Next = next;
        }

        if (state.Last.Is(at))
        {
            state.Last = previous;
        }

        state.Count--;
        Pool<QueuedSignal>.Free(at);
    }
}
