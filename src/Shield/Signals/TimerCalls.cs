using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>
/// POSIX timers are Linux's: it keeps the time and sends the signal, which comes through the gate as any other. Checked are the request, so
/// that no timer is aimed at a thread of another process, and the results.
/// </summary>
internal static class TimerCalls
{
    // Clocks (include/uapi/linux/time.h): real time, monotonic, both CPU times, boot time, international atomic time.
    private const ulong Clocks = 0x88F;

    // struct sigevent: value, signal, kind of notice, thread.
    private const int EventBytes = 64;
    private const int EventSignal = 8;
    private const int EventNotice = 12;
    private const int EventThread = 16;
    private const int UsedBytes = 20;

    private const int NoticeSignal = 0;
    private const int NoticeNone = 1;
    private const int NoticeThread = 4;

    /// <summary>struct itimerspec, and DELAYTIMER_MAX of Linux.</summary>
    private const int SettingBytes = 32;
    private const long MaxOverrun = int.MaxValue;

    public static long Create(ref Thread thread, ref CallArguments a)
    {
        if (a[0] > 63 || (Clocks & (1UL << (int)a[0])) == 0)
        {
            return -Errno.EINVAL;
        }

        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(sizeof(int), out int offset, out ulong place);
        ulong request = 0;
        if (a[1] != 0)
        {
            Span<byte> wanted = stackalloc byte[EventBytes];
            if (!UserMemory.TryRead(ref thread, a[1], wanted))
            {
                return -Errno.EFAULT;
            }

            int signal = BinaryPrimitives.ReadInt32LittleEndian(wanted[EventSignal..]);
            int notice = BinaryPrimitives.ReadInt32LittleEndian(wanted[EventNotice..]);
            int number = BinaryPrimitives.ReadInt32LittleEndian(wanted[EventThread..]);
            bool good = notice == NoticeNone || (SignalNumber.IsValid(signal)
                && (notice == NoticeSignal || (notice == (NoticeSignal | NoticeThread) && IsOwnThread(ref thread, number))));
            if (!good)
            {
                return -Errno.EINVAL;
            }

            // The rest of the union says nothing to Linux.
            wanted[UsedBytes..].Clear();
            if (!buffer.TryPut(wanted, out request))
            {
                return -Errno.ENOMEM;
            }
        }

        long result = Zero(Gate.Call(ref thread, Sys.timer_create, a[0], request, place));
        int timer = buffer.Take<int>(offset);
        return result != 0 ? result : timer < 0 ? -Errno.EIO : UserMemory.TryWrite(ref thread, a[2], timer) ? 0 : -Errno.EFAULT;
    }

    public static long GetTime(ref Thread thread, ref CallArguments a) =>
        Zero(PlainCall.Out(ref thread, Sys.timer_gettime, ref a, 1, SettingBytes));

    public static long Overrun(ref Thread thread, ref CallArguments a)
    {
        long result = PlainCall.Values(ref thread, Sys.timer_getoverrun, ref a, 1);
        return result > MaxOverrun ? -Errno.EIO : result;
    }

    public static long SetTime(ref Thread thread, ref CallArguments a)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(SettingBytes, out int offset, out ulong old);
        if (a[2] == 0)
        {
            return -Errno.EINVAL;
        }

        if (!buffer.TryPutUser(ref thread, a[2], SettingBytes, out ulong setting))
        {
            return -Errno.EFAULT;
        }

        long result = Zero(Gate.Call(ref thread, Sys.timer_settime, a[0], a[1], setting, a[3] == 0 ? 0 : old));
        return result == 0 && a[3] != 0 && !buffer.CopyOutToUser(ref thread, offset, a[3], SettingBytes) ? -Errno.EFAULT : result;
    }

    public static long Delete(ref Thread thread, ref CallArguments a) => Zero(PlainCall.Values(ref thread, Sys.timer_delete, ref a, 1));

    /// <summary>A result that is 0, an error, or something between for the dispatcher (a restart, the end).</summary>
    private static long Zero(long result) => PlainCall.Checked(result) is var known && known > 0 ? -Errno.EIO : known;

    private static bool IsOwnThread(ref Thread thread, int number)
    {
        for (Handle<Thread> at = Pool<Process>.Get(thread.Process).Threads; !at.IsNull; at = Pool<Thread>.Get(at).Next)
        {
            if (Pool<Thread>.Get(at).Tid == number)
            {
                return true;
            }
        }

        return false;
    }
}
