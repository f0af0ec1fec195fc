namespace BlackBox.Shield;

/// <summary>
/// Ends of threads and processes. A thread first releases everything in the enclave, then says so to the monitor, then makes
/// its last call to the OS. A dying thread (killed by the OS) does the first two without calling the OS.
/// </summary>
internal static partial class Exits
{
    public static long Exit(ref Thread thread, ref CallArguments a)
    {
        ref Process process = ref Pool<Process>.Get(thread.Process);
        int code = (int)a[0] & 0xFF;
        if (process.State == ProcessState.Running && (thread.Tid == process.Pid || (process.ThreadCount == 1 && !process.StatusKnown)))
        {
            // The first thread's code is the process's, even if others go on (Linux: wait_task_zombie).
            process.Status = code << 8;
            process.StatusKnown = true;
        }

        End(ref thread, Sys.exit, (ulong)code, 0);
        return CallResult.NoReturn;
    }

    public static long ExitGroup(ref Thread thread, ref CallArguments a)
    {
        int code = (int)a[0] & 0xFF;
        EndProcess(ref thread, code << 8);
        End(ref thread, Sys.exit_group, (ulong)code, 0);
        return CallResult.NoReturn;
    }

    /// <summary>Ends the process by a signal's default action: Linux is asked to do the same, so that it reports the status. To the first process of a
    /// pid namespace Linux delivers no fatal signal that comes from inside: it exits with the code that shells and runtimes show for the signal.</summary>
    public static void KillBySignal(ref Thread thread, int signal)
    {
        const int CodeOfSignal = 128;
        EndProcess(ref thread, signal);
        if (Pool<Process>.Get(thread.Process).Pid == 1)
        {
            End(ref thread, Sys.exit_group, (ulong)(CodeOfSignal + signal), 0);
            return;
        }

        LetThrough(ref thread, signal);
        End(ref thread, Sys.kill, (ulong)Pool<Process>.Get(thread.Process).Pid, (ulong)signal);
    }

    /// <summary>The thread cannot go on: it is dying, or another one ended the process. Does not return.</summary>
    public static void EndNow(ref Thread thread)
    {
        ref Process process = ref Pool<Process>.Get(thread.Process);
        if (thread.Dying && process.State == ProcessState.Running && process.ThreadCount == 1)
        {
            // Killed by the OS: by what, only Linux knows. SIGKILL stands for any signal.
            process.Status = ProcessNumbers.SigKill;
            process.StatusKnown = false;
        }

        End(ref thread, Sys.exit, 0, 0);
    }

    /// <summary>Marks the process as ending and every other thread to end at its next way out of the shield.</summary>
    public static void EndProcess(ref Thread thread, int status)
    {
        ref Process process = ref Pool<Process>.Get(thread.Process);
        if (process.State != ProcessState.Running)
        {
            return;
        }

        Mark(ref process, status);
        thread.ProcessEnding = false;
    }

    /// <summary>Every thread of the process ends at its next way out of the shield, or before its first instruction.</summary>
    public static void Mark(ref Process process, int status)
    {
        process.State = ProcessState.Ending;
        process.Status = status;
        process.StatusKnown = true;
        for (Handle<Thread> other = process.Threads; !other.IsNull; other = Pool<Thread>.Get(other).Next)
        {
            Pool<Thread>.Get(other).ProcessEnding = true;
        }
    }

    /// <summary>A new thread that the OS has told another number than its parent: it does not run, its process is killed. Does not return.</summary>
    public static void Abandon(ref Thread thread)
    {
        EndProcess(ref thread, ProcessNumbers.SigKill);
        End(ref thread, Sys.exit_group, ProcessNumbers.SigKill, 0);
    }

    /// <summary>Releases all of the thread, and of the process if it was the last; then the last call.</summary>
    private static void End(ref Thread thread, Sys number, ulong a0, ulong a1)
    {
        Handle<Process> handle = thread.Process;
        if (Pool<Process>.Get(handle) is { ThreadCount: > 1, State: ProcessState.Running })
        {
            BlockSignals(ref thread);
        }

        thread.State = ThreadState.Ended;
        Futexes.Release(ref thread);
        ClearNumber(ref thread);
        SignalEntry.Release(ref thread);

        ref Process process = ref Pool<Process>.Get(handle);
        ProcessTree.Unlink(ref process, ref thread);
        if (process.ThreadCount == 0)
        {
            ReleaseProcess(ref thread, ref process);
            PageCache.CleanAll(ref thread, unmappedOnly: true);
            ProcessTree.Finish(handle);
        }
        else
        {
            AddressSpaces.Deactivate();
        }

        Frames.TrimNow(ref thread);
        Pool<Thread>.Free(thread.Self);
        Hardware.EndThread(number, a0, a1);
    }

    private static void ReleaseProcess(ref Thread thread, ref Process process)
    {
        DescriptorTables.Release(process.Files);
        FileSystems.Release(process.FileSystem);
        SignalEntry.ReleaseActions(process.Actions);
        AddressSpaces.Deactivate();
        if (!process.Memory.IsNull)
        {
            AddressSpaces.Release(process.Memory);
        }

        process.Files = default;
        process.FileSystem = default;
        process.Actions = default;
        process.Memory = default;
    }

    /// <summary>clear_child_tid: where others may wait for the thread's end, the word becomes 0 and one waiter wakes.</summary>
    internal static void ClearNumber(ref Thread thread)
    {
        ulong address = thread.ClearChildTid;
        thread.ClearChildTid = 0;
        if (address == 0 || Pool<Process>.Get(thread.Process).Memory.IsNull)
        {
            return;
        }

        if (UserMemory.TryWrite(ref thread, address, 0))
        {
            Futexes.Wake(ref thread, address, 1);
        }
    }

    /// <summary>Signals for the process must go to a thread that can still handle them.</summary>
    private static void BlockSignals(ref Thread thread)
    {
        const ulong SetMask = 2;
        SharedBuffer buffer = new(ref thread);
        if (buffer.TryPut(ulong.MaxValue, out ulong set))
        {
            _ = Gate.Call(ref thread, Sys.rt_sigprocmask, SetMask, set, 0, sizeof(ulong));
        }
    }

    /// <summary>Linux must neither block nor handle the signal that ends the process.</summary>
    private static void LetThrough(ref Thread thread, int signal)
    {
        const ulong Unblock = 1;
        const ulong SignalSetBytes = 8;
        SharedBuffer buffer = new(ref thread);
        CallArguments zeros = default;
        if (buffer.TryPut(zeros, out ulong action))
        {
            _ = Gate.Call(ref thread, Sys.rt_sigaction, (ulong)signal, action, 0, SignalSetBytes);
        }

        buffer = new SharedBuffer(ref thread);
        if (buffer.TryPut(1UL << (signal - 1), out ulong set))
        {
            _ = Gate.Call(ref thread, Sys.rt_sigprocmask, Unblock, set, 0, SignalSetBytes);
        }
    }
}
