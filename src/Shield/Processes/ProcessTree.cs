namespace BlackBox.Shield;

/// <summary>Which threads make a process, which process made which.</summary>
internal static class ProcessTree
{
    private const int InitPid = 1;

    public static void Link(ref Process process, ref Thread thread)
    {
        thread.Process = process.Self;
        thread.Next = process.Threads;
        process.Threads = thread.Self;
        process.ThreadCount++;
    }

    public static void Unlink(ref Process process, ref Thread thread)
    {
        if (process.Threads.Is(thread.Self))
        {
            process.Threads = thread.Next;
        }
        else
        {
            Handle<Thread> at = process.Threads;
            while (!Pool<Thread>.Get(at).Next.Is(thread.Self))
            {
                at = Pool<Thread>.Get(at).Next;
            }

            Pool<Thread>.Get(at).Next = thread.Next;
        }

        thread.Next = default;
        process.ThreadCount--;
    }

    /// <summary>
    /// The last thread of a process is gone: its children go to the enclave's init if it has one; the process itself stays as a
    /// zombie while somebody in the enclave may wait for it.
    /// </summary>
    public static void Finish(Handle<Process> handle)
    {
        Handle<Process> init = default;
        if (ProcessNumbers.TryFindProcess(InitPid, out Handle<Process> first) && !first.Is(handle)
            && Pool<Process>.Get(first).State != ProcessState.Zombie)
        {
            init = first;
        }

        for (int i = 0; Pool<Process>.TryNext(i, out Handle<Process> other); i = other.Index + 1)
        {
            ref Process child = ref Pool<Process>.Get(other);
            if (!child.Parent.IsNull && child.Parent.Is(handle))
            {
                child.Parent = init;
                if (init.IsNull && child.State == ProcessState.Zombie)
                {
                    Pool<Process>.Free(other);
                }
            }
        }

        ref Process process = ref Pool<Process>.Get(handle);
        process.State = ProcessState.Zombie;
        if (process.Parent.IsNull)
        {
            Pool<Process>.Free(handle);
        }
    }

    /// <summary>A zombie whose number Linux gave again was reaped without a wait (SIGCHLD ignored).</summary>
    public static void ForgetReaped(int number)
    {
        if (ProcessNumbers.TryFindProcess(number, out Handle<Process> old) && Pool<Process>.Get(old).State == ProcessState.Zombie)
        {
            Pool<Process>.Free(old);
        }
    }
}
