namespace BlackBox.Shield;

/// <summary>
/// When a wait ends by itself. Time that goes evenly is measured by the counter, whatever the OS says; the OS is only told how long to
/// let the thread sleep. A deadline of the wall clock is the OS's, as that clock is.
/// </summary>
internal struct FutexTimeout
{
    /// <summary>Nanoseconds of the counter.</summary>
    private ulong deadline;

    /// <summary>As the program gave it.</summary>
    private Timespec time;

    /// <summary>There is a limit.</summary>
    public bool IsSet { get; private set; }

    /// <summary>Absolute, of CLOCK_REALTIME.</summary>
    public bool IsOsClock { get; private set; }

    /// <summary>May call the OS, which is asked once for the start of its monotonic clock. False: it does not answer.</summary>
    public static bool TryMake(ref Thread thread, in Timespec time, bool absolute, bool realtime, out FutexTimeout timeout)
    {
        timeout = new FutexTimeout { IsSet = true, IsOsClock = realtime, time = time, deadline = ulong.MaxValue };
        return realtime || (absolute ? Clocks.TryDeadlineAt(ref thread, time, out timeout.deadline) : TryRelative(ref timeout));
    }

    /// <summary>By the counter.</summary>
    public readonly bool HasPassed => IsSet && !IsOsClock && Clocks.HasPassed(deadline);

    /// <summary>What is left, or the absolute time: for Linux.</summary>
    public readonly Timespec ForOs => IsOsClock ? time : Clocks.Remaining(deadline);

    private static bool TryRelative(ref FutexTimeout timeout)
    {
        timeout.deadline = Clocks.Deadline(timeout.time);
        return true;
    }
}
