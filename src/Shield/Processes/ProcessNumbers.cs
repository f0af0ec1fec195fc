namespace BlackBox.Shield;

/// <summary>Numbers of threads and processes are Linux's; the shield checks that they can be.</summary>
internal static class ProcessNumbers
{
    /// <summary>Largest number (PID_MAX_LIMIT of 64-bit Linux).</summary>
    private const int Max = 4 << 20;

    public const int SigChld = 17;
    public const int SigKill = 9;

    public static bool IsPlausible(long number) => number is > 0 and <= Max;

    /// <summary>Whether a live thread or a process not waited for has the number.</summary>
    public static bool IsTaken(int number)
    {
        for (int i = 0; Pool<Thread>.TryNext(i, out Handle<Thread> thread); i = thread.Index + 1)
        {
            if (Pool<Thread>.Get(thread).Tid == number)
            {
                return true;
            }
        }

        return TryFindProcess(number, out _);
    }

    public static bool TryFindProcess(int number, out Handle<Process> process)
    {
        for (int i = 0; Pool<Process>.TryNext(i, out process); i = process.Index + 1)
        {
            if (Pool<Process>.Get(process).Pid == number)
            {
                return true;
            }
        }

        process = default;
        return false;
    }
}
