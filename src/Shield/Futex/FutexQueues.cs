using System.Runtime.CompilerServices;

namespace BlackBox.Shield;

/// <summary>The waiting threads of the enclave by futex, first come first served. All under the kernel lock; nothing here calls the OS.</summary>
internal static class FutexQueues
{
    private const int Buckets = 256;

    [InlineArray(Buckets)]
    private struct Ends
    {
        private Queue first;
    }

    private struct Queue
    {
        public Handle<Thread> First;
        public Handle<Thread> Last;
    }

    private static Ends queues;

    /// <summary>Threads that wait.</summary>
    public static int Count { get; private set; }

    public static void Add(ref Thread thread, in FutexKey key, uint bitset)
    {
        ref FutexState state = ref thread.Futex;
        if (state.Queued)
        {
            Panic.Stop(PanicReason.Invariant, "a thread waits once"u8);
        }

        ref Queue queue = ref queues[key.Hash(Buckets)];
        state.Key = key;
        state.Bitset = bitset;
        state.Queued = true;
        state.Woken = false;
        state.Next = default;
        state.Previous = queue.Last;
        if (queue.Last.IsNull)
        {
            queue.First = thread.Self;
        }
        else
        {
            Pool<Thread>.Get(queue.Last).Futex.Next = thread.Self;
        }

        queue.Last = thread.Self;
        Count++;
    }

    public static void Remove(ref Thread thread)
    {
        ref FutexState state = ref thread.Futex;
        if (!state.Queued)
        {
            return;
        }

        ref Queue queue = ref queues[state.Key.Hash(Buckets)];
        if (state.Previous.IsNull)
        {
            queue.First = state.Next;
        }
        else
        {
            Pool<Thread>.Get(state.Previous).Futex.Next = state.Next;
        }

        if (state.Next.IsNull)
        {
            queue.Last = state.Previous;
        }
        else
        {
            Pool<Thread>.Get(state.Next).Futex.Previous = state.Previous;
        }

        state.Queued = false;
        Count--;
    }

    /// <summary>Takes up to <paramref name="count"/> waiters out and notes whom Linux has to wake. Returns their number.</summary>
    public static int Wake(in FutexKey key, int count, uint bitset, ref WakeSet wakes)
    {
        int woken = 0;
        Handle<Thread> next = queues[key.Hash(Buckets)].First;
        while (!next.IsNull && woken < count)
        {
            ref Thread waiter = ref Pool<Thread>.Get(next);
            next = waiter.Futex.Next;
            if (waiter.Futex.Key.Is(key) && (waiter.Futex.Bitset & bitset) != 0)
            {
                Remove(ref waiter);
                waiter.Futex.Woken = true;
                wakes.Add(ref waiter);
                woken++;
            }
        }

        return woken;
    }

    /// <summary>Moves up to <paramref name="count"/> waiters to another futex. Returns their number.</summary>
    public static int Requeue(in FutexKey from, in FutexKey to, int count)
    {
        int moved = 0;
        Handle<Thread> next = queues[from.Hash(Buckets)].First;
        while (!next.IsNull && moved < count)
        {
            ref Thread waiter = ref Pool<Thread>.Get(next);
            next = waiter.Futex.Next;
            if (waiter.Futex.Key.Is(from) && from.Is(to))
            {
                moved++;
            }
            else if (waiter.Futex.Key.Is(from))
            {
                uint bitset = waiter.Futex.Bitset;
                Remove(ref waiter);
                Add(ref waiter, to, bitset);
                moved++;
            }
        }

        return moved;
    }

    internal static void Reset()
    {
        queues = default;
        Count = 0;
    }
}
