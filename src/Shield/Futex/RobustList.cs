using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>set_robust_list and get_robust_list, and what becomes of the held mutexes when a thread ends (Linux: exit_robust_list).</summary>
internal static partial class Futexes
{
    private const ulong HeadBytes = 24;
    private const uint WaitersBit = 0x8000_0000;
    private const uint OwnerDiedBit = 0x4000_0000;
    private const uint OwnerMask = 0x3FFF_FFFF;

    /// <summary>Entries that are walked at most (ROBUST_LIST_LIMIT): the list is the program's and may be circular.</summary>
    private const int Limit = 2048;

    public static long SetRobustList(ref Thread thread, ref CallArguments a)
    {
        if (a[1] != HeadBytes)
        {
            return -Errno.EINVAL;
        }

        thread.RobustList = a[0];
        thread.RobustListSize = HeadBytes;
        return 0;
    }

    public static long GetRobustList(ref Thread thread, ref CallArguments a)
    {
        if ((int)a[0] != 0 && (int)a[0] != thread.Tid)
        {
            return -Errno.EPERM;
        }

        return UserMemory.TryWrite(ref thread, a[2], HeadBytes) && UserMemory.TryWrite(ref thread, a[1], thread.RobustList) ? 0 : -Errno.EFAULT;
    }

    /// <summary>A thread ends: marks the robust mutexes it holds, wakes who waits for them, leaves the queues.</summary>
    public static void Release(ref Thread thread)
    {
        FutexQueues.Remove(ref thread);
        ulong head = thread.RobustList;
        thread.RobustList = 0;
        if (head == 0 || !UserMemory.TryRead(ref thread, head, out ulong entry)
            || !UserMemory.TryRead(ref thread, head + 8, out ulong offset) || !UserMemory.TryRead(ref thread, head + 16, out ulong pending))
        {
            return;
        }

        // Bit 0 of an entry marks a priority-inheritance mutex, which is not offered here.
        for (int i = 0; i < Limit && (entry & ~1UL) != head && entry != 0; i++)
        {
            // Read before the mutex is given up: its next owner may free it at once.
            ulong mutex = entry & ~1UL;
            bool hasNext = UserMemory.TryRead(ref thread, mutex, out entry);
            if ((mutex != (pending & ~1UL) && !TryMarkDied(ref thread, mutex + offset, isPending: false)) || !hasNext)
            {
                return;
            }
        }

        if ((pending & ~1UL) != 0)
        {
            _ = TryMarkDied(ref thread, (pending & ~1UL) + offset, isPending: true);
        }
    }

    /// <summary>Linux: handle_futex_death. False: no word there, the walk ends.</summary>
    private static bool TryMarkDied(ref Thread thread, ulong address, bool isPending)
    {
        if ((address & 3) != 0 || !AddressSpaces.TryResolve(ref thread, address, UserAccess.Write, out FrameAddress frame))
        {
            return false;
        }

        ref uint word = ref MemoryMarshal.AsRef<uint>(Frames.Bytes(frame).Slice((int)(address & (FrameAddress.Size - 1)), sizeof(uint)));
        uint old = System.Threading.Volatile.Read(ref word);
        if (isPending && old == 0)
        {
            // Died between its unlocking and the wake-up that was due.
            Wake(ref thread, address, 1);
            return true;
        }

        while ((old & OwnerMask) == (uint)thread.Tid)
        {
            uint seen = System.Threading.Interlocked.CompareExchange(ref word, (old & WaitersBit) | OwnerDiedBit, old);
            if (seen == old)
            {
                if ((old & WaitersBit) != 0)
                {
                    Wake(ref thread, address, 1);
                }

                return true;
            }

            old = seen;
        }

        return true;
    }
}
