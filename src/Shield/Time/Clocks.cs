using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>
/// Time. Monotonic time comes from the architected counter (Arm ARM D11, CNTVCT_EL0), which the OS cannot change while a
/// container runs; wall-clock and CPU time are the OS's word, wall-clock time made not to go back within the enclave.
/// </summary>
internal static class Clocks
{
    private const int Realtime = 0;
    private const int Monotonic = 1;
    private const int MonotonicRaw = 4;
    private const int RealtimeCoarse = 5;
    private const int MonotonicCoarse = 6;
    private const int Boottime = 7;

    /// <summary>Latest wall-clock time given out, nanoseconds.</summary>
    private static long latestRealtime;

    /// <summary>Linux's monotonic time minus the counter's, nanoseconds: taken once, so that absolute timeouts mean the same to Linux.</summary>
    private static long offset;
    private static bool isOffsetKnown;

    /// <summary>Nanoseconds of the counter.</summary>
    public static long CounterNanoseconds
    {
        get
        {
            ulong frequency = Hardware.CounterFrequency;
            ulong ticks = Hardware.Counter;
            ulong seconds = ticks / frequency;
            return (long)((seconds * Timespec.NanosecondsPerSecond) + (ticks % frequency * Timespec.NanosecondsPerSecond / frequency));
        }
    }

    /// <summary>Counter time after which a relative timeout has passed.</summary>
    public static ulong Deadline(in Timespec relative)
    {
        long now = CounterNanoseconds;
        long most = (long.MaxValue - now) / Timespec.NanosecondsPerSecond;
        return relative.Seconds >= most ? ulong.MaxValue : (ulong)(now + (relative.Seconds * Timespec.NanosecondsPerSecond) + relative.Nanoseconds);
    }

    /// <summary>Counter time at which CLOCK_MONOTONIC, as programs see it, is <paramref name="time"/>. May call the OS. False: it does not answer.</summary>
    public static bool TryDeadlineAt(ref Thread thread, in Timespec time, out ulong deadline)
    {
        deadline = ulong.MaxValue;
        if (!isOffsetKnown && !TryLearnOffset(ref thread))
        {
            return false;
        }

        if (time.Seconds < long.MaxValue / (4 * Timespec.NanosecondsPerSecond))
        {
            deadline = (ulong)Math.Max(0, (time.Seconds * Timespec.NanosecondsPerSecond) + time.Nanoseconds - offset);
        }

        return true;
    }

    public static bool HasPassed(ulong deadline) => deadline != ulong.MaxValue && (ulong)CounterNanoseconds >= deadline;

    /// <summary>What is left to a deadline; not less than 0.</summary>
    public static Timespec Remaining(ulong deadline)
    {
        ulong now = (ulong)CounterNanoseconds;
        return FromNanoseconds((long)Math.Min(deadline > now ? deadline - now : 0, long.MaxValue));
    }

    internal static void Reset()
    {
        latestRealtime = 0;
        offset = 0;
        isOffsetKnown = false;
    }

    public static long GetTime(ref Thread thread, ref CallArguments a)
    {
        int clock = (int)a[0];
        Timespec time;
        switch (clock)
        {
            case Monotonic:
            case MonotonicRaw:
            case MonotonicCoarse:
            case Boottime:
                if (!isOffsetKnown && !TryLearnOffset(ref thread))
                {
                    return -Errno.EIO;
                }

                time = FromNanoseconds(CounterNanoseconds + offset);
                break;
            default:
                long result = Ask(ref thread, clock, out time);
                if (result != 0)
                {
                    return result;
                }

                if (clock is Realtime or RealtimeCoarse)
                {
                    time = NotBack(time);
                }

                break;
        }

        return UserMemory.TryWrite(ref thread, a[1], time) ? 0 : -Errno.EFAULT;
    }

    public static long GetTimeOfDay(ref Thread thread, ref CallArguments a)
    {
        if (a[0] != 0)
        {
            long result = Ask(ref thread, Realtime, out Timespec time);
            if (result != 0)
            {
                return result;
            }

            time = NotBack(time);
            time.Nanoseconds /= 1000;
            if (!UserMemory.TryWrite(ref thread, a[0], time))
            {
                return -Errno.EFAULT;
            }
        }

        // The time zone has been zero for decades.
        return a[1] == 0 || UserMemory.TryWrite(ref thread, a[1], 0UL) ? 0 : -Errno.EFAULT;
    }

    private static long Ask(ref Thread thread, int clock, out Timespec time)
    {
        time = default;
        SharedBuffer buffer = new(ref thread);
        Span<byte> bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref time, 1));
        if (!buffer.TryReserve(bytes.Length, out int at, out ulong osAddress))
        {
            return -Errno.ENOMEM;
        }

        long result = Gate.Call(ref thread, Sys.clock_gettime, (ulong)clock, osAddress);
        if (result != 0)
        {
            return Errno.IsError(result) || result is -Errno.ERESTARTSYS or -Errno.Dying ? result : -Errno.EIO;
        }

        buffer.CopyOut(at, bytes);
        return time.IsValid ? 0 : -Errno.EIO;
    }

    private static bool TryLearnOffset(ref Thread thread)
    {
        if (Ask(ref thread, Monotonic, out Timespec time) != 0 || time.Seconds > long.MaxValue / (4 * Timespec.NanosecondsPerSecond))
        {
            return false;
        }

        // Set once: later answers of the OS cannot move the clock.
        if (!isOffsetKnown)
        {
            offset = (time.Seconds * Timespec.NanosecondsPerSecond) + time.Nanoseconds - CounterNanoseconds;
            isOffsetKnown = true;
        }

        return true;
    }

    private static Timespec NotBack(in Timespec time)
    {
        if (time.Seconds > long.MaxValue / (4 * Timespec.NanosecondsPerSecond))
        {
            return FromNanoseconds(latestRealtime);
        }

        latestRealtime = Math.Max(latestRealtime, (time.Seconds * Timespec.NanosecondsPerSecond) + time.Nanoseconds);
        return FromNanoseconds(latestRealtime);
    }

    private static Timespec FromNanoseconds(long nanoseconds) => new()
    {
        Seconds = nanoseconds / Timespec.NanosecondsPerSecond,
        Nanoseconds = nanoseconds % Timespec.NanosecondsPerSecond,
    };
}
