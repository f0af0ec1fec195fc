using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace BlackBox.Shield;

/// <summary>
/// Tasks whose Linux threads have to be woken: one bit per mirror word. A thread asleep in Linux waits on its own mirror
/// word with FUTEX_WAIT; the word is changed before the wake-up is forwarded, so none is lost in between.
/// </summary>
internal struct WakeSet
{
    private const int Words = 8;
    private const int BitsPerWord = 64;

    [InlineArray(Words)]
    private struct Bits
    {
        private ulong first;
    }

    private Bits bits;

    public void Add(ref Thread waiter)
    {
        if ((uint)waiter.MirrorIndex >= Words * BitsPerWord)
        {
            Panic.Stop(PanicReason.Invariant, "mirror index"u8);
        }

        waiter.Futex.Sequence++;
        Volatile.Write(ref Mirror(ref waiter, waiter.MirrorIndex), waiter.Futex.Sequence);
        bits[waiter.MirrorIndex / BitsPerWord] |= 1UL << (waiter.MirrorIndex % BitsPerWord);
    }

    /// <summary>Puts back what <see cref="TryTake"/> gave.</summary>
    public void Put(int index) => bits[index / BitsPerWord] |= 1UL << (index % BitsPerWord);

    /// <summary>
    /// For a dying thread, which can call the OS no more: writes down for the module whose sleep it has to interrupt when this task has
    /// ended. They then compare their mirror words anew.
    /// </summary>
    public void Leave(ref Thread thread)
    {
        while (TryTake(out int index))
        {
            Volatile.Write(ref Mirror(ref thread, index, upper: true), 1);
        }

        SharedBuffer.WriteHeader(ref thread, BufferLayout.Operation, (ulong)Service.WakeTasks);
    }

    /// <summary>Takes one task out.</summary>
    public bool TryTake(out int index)
    {
        for (int i = 0; i < Words; i++)
        {
            if (bits[i] != 0)
            {
                int bit = BitOperations.TrailingZeroCount(bits[i]);
                bits[i] &= bits[i] - 1;
                index = (i * BitsPerWord) + bit;
                return true;
            }
        }

        index = 0;
        return false;
    }

    /// <summary>The mirror word of a task, or its upper half, through the frame that the OS lent for all of them.</summary>
    public static ref uint Mirror(ref Thread thread, int index, bool upper = false) =>
        ref MemoryMarshal.AsRef<uint>(
            Hardware.Memory(thread.MirrorFrame, FrameAddress.Size).Slice((8 * index) + (upper ? sizeof(uint) : 0), sizeof(uint)));
}
