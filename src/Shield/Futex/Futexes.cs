using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>
/// futex(2). Values are compared and threads queued here, in the PPAS; Linux only puts threads to sleep on their mirror
/// words and wakes them. A wake-up counts when it stands in private memory, whatever Linux answers: an invented one makes
/// the thread wait again, a withheld one is a denial of service.
/// </summary>
internal static partial class Futexes
{
    private const uint CommandMask = 0x7F;
    private const uint PrivateFlag = 128;
    private const uint ClockRealtime = 256;
    private const uint AllBits = 0xFFFF_FFFF;

    private const uint Wait = 0;
    private const uint WakeCommand = 1;
    private const uint Requeue = 3;
    private const uint CompareRequeue = 4;
    private const uint WakeOperation = 5;
    private const uint WaitBitset = 9;
    private const uint WakeBitset = 10;

    /// <summary>The call.</summary>
    public static long Call(ref Thread thread, ref CallArguments a)
    {
        uint operation = (uint)a[1];
        uint command = operation & CommandMask;
        if ((operation & ClockRealtime) != 0 && command != WaitBitset)
        {
            return -Errno.ENOSYS;
        }

        if ((operation & ~(CommandMask | PrivateFlag | ClockRealtime)) != 0)
        {
            return -Errno.ENOSYS;
        }

        return command switch
        {
            Wait => WaitOn(ref thread, a[0], (uint)a[2], a[3], AllBits, operation),
            WaitBitset => WaitOn(ref thread, a[0], (uint)a[2], a[3], (uint)a[5], operation),
            WakeCommand => WakeUp(ref thread, a[0], (int)a[2], AllBits, operation),
            WakeBitset => WakeUp(ref thread, a[0], (int)a[2], (uint)a[5], operation),
            Requeue => Move(ref thread, ref a, compare: false),
            CompareRequeue => Move(ref thread, ref a, compare: true),
            WakeOperation => WakeAndOperate(ref thread, ref a),
            _ => -Errno.ENOSYS,
        };
    }

    /// <summary>Wakes up to <paramref name="count"/> waiters on a word (clear_child_tid). May call the OS.</summary>
    public static void Wake(ref Thread thread, ulong address, int count)
    {
        if (FutexKey.TryMake(ref thread, address, out FutexKey key))
        {
            WakeSet wakes = default;
            FutexQueues.Wake(key, count, AllBits, ref wakes);
            Forward(ref thread, ref wakes);
        }
    }

    private static long WaitOn(ref Thread thread, ulong address, uint expected, ulong timeout, uint bitset, uint operation)
    {
        if ((address & 3) != 0 || bitset == 0)
        {
            return -Errno.EINVAL;
        }

        Timespec time = default;
        if (timeout != 0)
        {
            if (!UserMemory.TryRead(ref thread, timeout, out time))
            {
                return -Errno.EFAULT;
            }

            if (!time.IsValid)
            {
                return -Errno.EINVAL;
            }
        }

        FutexTimeout limit = default;
        if (timeout != 0 && !FutexTimeout.TryMake(
            ref thread, time, absolute: (operation & CommandMask) == WaitBitset, realtime: (operation & ClockRealtime) != 0, out limit))
        {
            return thread.Dying ? -Errno.Dying : -Errno.EIO;
        }

        // The read may bring the page in and drop the lock on the way; from its return to the queue the lock is held.
        if (!UserMemory.TryRead(ref thread, address, out uint value) || !FutexKey.TryMake(ref thread, address, out FutexKey key))
        {
            return -Errno.EFAULT;
        }

        if (value != expected)
        {
            return -Errno.EAGAIN;
        }

        FutexQueues.Add(ref thread, key, bitset);
        long result = Sleep(ref thread, limit);
        bool woken = thread.Futex.Woken;
        FutexQueues.Remove(ref thread);
        return woken && result != -Errno.Dying ? 0 : result;
    }

    private static long Sleep(ref Thread thread, in FutexTimeout limit)
    {
        while (!thread.Futex.Woken)
        {
            if (limit.HasPassed)
            {
                return -Errno.ETIMEDOUT;
            }

            // Filled anew each time: what is left may be less, and the OS may have changed it.
            SharedBuffer buffer = new(ref thread);
            ulong osTime = 0;
            if (limit.IsSet && !buffer.TryPut(limit.ForOs, out osTime))
            {
                return -Errno.ENOMEM;
            }

            uint sequence = thread.Futex.Sequence;
            System.Threading.Volatile.Write(ref WakeSet.Mirror(ref thread, thread.MirrorIndex), sequence);
            ulong operation = limit.IsOsClock ? WaitBitset | ClockRealtime : Wait;
            long result = Gate.Call(
                ref thread, Sys.futex, thread.OsMirror + (ulong)(8 * thread.MirrorIndex), operation, sequence, osTime, 0, AllBits);
            switch (result)
            {
                case -Errno.ETIMEDOUT when limit.IsOsClock:
                    return result;
                case -Errno.EINTR:
                case -Errno.ERESTARTSYS:
                case -Errno.Dying:
                    return result;
                default:
                    // 0 or EAGAIN: woken, or not. ETIMEDOUT: if it is true, the counter says so. Anything else is implausible and
                    // treated as a spurious return.
                    break;
            }
        }

        return 0;
    }

    private static long WakeUp(ref Thread thread, ulong address, int count, uint bitset, uint operation)
    {
        if ((address & 3) != 0 || bitset == 0)
        {
            return -Errno.EINVAL;
        }

        if (!FutexKey.TryMake(ref thread, address, out FutexKey key))
        {
            // Of a private futex Linux looks at the address only: nobody waits where nothing is mapped.
            return (operation & PrivateFlag) != 0 && UserMemory.IsRange(address, sizeof(uint)) ? 0 : -Errno.EFAULT;
        }

        // Linux wakes at least one, whatever the count says.
        WakeSet wakes = default;
        int woken = FutexQueues.Wake(key, count < 1 ? 1 : count, bitset, ref wakes);
        Forward(ref thread, ref wakes);
        return woken;
    }

    private static long Move(ref Thread thread, ref CallArguments a, bool compare)
    {
        int wake = (int)a[2];
        int move = (int)a[3];
        if (((a[0] | a[4]) & 3) != 0 || wake < 0 || move < 0)
        {
            return -Errno.EINVAL;
        }

        uint value = 0;
        if ((compare && !UserMemory.TryRead(ref thread, a[0], out value))
            || !FutexKey.TryMake(ref thread, a[0], out FutexKey from) || !FutexKey.TryMake(ref thread, a[4], out FutexKey to))
        {
            return -Errno.EFAULT;
        }

        if (compare && value != (uint)a[5])
        {
            return -Errno.EAGAIN;
        }

        WakeSet wakes = default;
        int woken = FutexQueues.Wake(from, wake, AllBits, ref wakes);
        int moved = FutexQueues.Requeue(from, to, move);
        Forward(ref thread, ref wakes);

        return woken + moved;
    }

    /// <summary>FUTEX_WAKE_OP: changes the second word by the encoded operation, wakes on the first and, if the old value compares, on the second.</summary>
    private static long WakeAndOperate(ref Thread thread, ref CallArguments a)
    {
        if (((a[0] | a[4]) & 3) != 0)
        {
            return -Errno.EINVAL;
        }

        uint code = (uint)a[5];
        uint operand = (uint)((int)(code << 8) >> 20);
        uint comparand = (uint)((int)(code << 20) >> 20);
        uint operation = (code >> 28) & 7;
        if ((code >> 31) != 0)
        {
            operand = 1U << (int)(operand & 31);
        }

        if (!AddressSpaces.TryResolve(ref thread, a[4], UserAccess.Write, out FrameAddress frame))
        {
            return -Errno.EFAULT;
        }

        // No call to the OS from here to the queues: the frame is the word's.
        if (!FutexKey.TryMake(ref thread, a[0], out FutexKey first) || !FutexKey.TryMake(ref thread, a[4], out FutexKey second))
        {
            return -Errno.EFAULT;
        }

        ref uint word = ref MemoryMarshal.AsRef<uint>(Frames.Bytes(frame).Slice((int)(a[4] & (FrameAddress.Size - 1)), sizeof(uint)));
        uint old = word;
        while (true)
        {
            // Program threads on other CPUs change the word without the lock.
            uint changed;
            switch (operation)
            {
                case 0: changed = operand; break;
                case 1: changed = old + operand; break;
                case 2: changed = old | operand; break;
                case 3: changed = old & ~operand; break;
                case 4: changed = old ^ operand; break;
                default: return -Errno.ENOSYS;
            }

            uint seen = System.Threading.Interlocked.CompareExchange(ref word, changed, old);
            if (seen == old)
            {
                break;
            }

            old = seen;
        }

        int signedOld = (int)old;
        bool holds;
        switch ((code >> 24) & 15)
        {
            case 0: holds = signedOld == (int)comparand; break;
            case 1: holds = signedOld != (int)comparand; break;
            case 2: holds = signedOld < (int)comparand; break;
            case 3: holds = signedOld <= (int)comparand; break;
            case 4: holds = signedOld > (int)comparand; break;
            case 5: holds = signedOld >= (int)comparand; break;
            default: return -Errno.ENOSYS;
        }

        WakeSet wakes = default;
        int count = (int)a[2];
        int woken = FutexQueues.Wake(first, count < 1 ? 1 : count, AllBits, ref wakes);
        if (holds)
        {
            int more = (int)a[3];
            woken += FutexQueues.Wake(second, more < 1 ? 1 : more, AllBits, ref wakes);
        }

        Forward(ref thread, ref wakes);
        return woken;
    }

    /// <summary>Asks Linux to wake the threads of the set: they look at private memory when they run.</summary>
    private static void Forward(ref Thread thread, ref WakeSet wakes)
    {
        while (wakes.TryTake(out int index))
        {
            if (thread.Dying || Gate.Call(ref thread, Sys.futex, thread.OsMirror + (ulong)(8 * index), WakeCommand, 1) == -Errno.Dying)
            {
                // All others may be asleep: the module finishes it when the task has ended.
                wakes.Put(index);
                wakes.Leave(ref thread);
                return;
            }
        }
    }

    internal static void Reset()
    {
        FutexQueues.Reset();
    }
}
