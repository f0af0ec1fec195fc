namespace BlackBox.Shield;

/// <summary>Which children a wait is for.</summary>
internal struct WaitSelection
{
    /// <summary>The options of waitid; wait4 has WEXITED always.</summary>
    public ulong Options;

    /// <summary>Number of the one process, or 0.</summary>
    public int Pid;

    /// <summary>Number of the group if <see cref="IsGroup"/>; 0: not known.</summary>
    public int Group;
    public bool IsGroup;

    /// <summary>By something that is not known here: a process descriptor.</summary>
    public bool IsOther;
}

/// <summary>Compares what Linux says to a wait with what the enclave knows of its processes.</summary>
internal static class Waits
{
    private const ulong Stopped = 2;
    private const ulong Exited = 4;
    private const ulong Continued = 8;

    // __WNOTHREAD, __WALL, __WCLONE.
    private const ulong OwnThreadOnly = 0x2000_0000;
    private const ulong AnyKind = 0x4000_0000;
    private const ulong CloneKind = 0x8000_0000;

    /// <summary>How often the CPU is given away for threads that Linux has ended and that have not ended here.</summary>
    private const int MaxRounds = 2000;

    /// <summary>
    /// Whether a child of the caller that was asked for can have this status; puts the true one in its place, and forgets the child if it
    /// has ended and <paramref name="reap"/>. May call the OS.
    /// </summary>
    public static bool TryConfirm(ref Thread thread, in WaitSelection selection, long number, ref int status, bool reap)
    {
        bool isStop = WaitStatus.IsStop(status);
        if (!ProcessNumbers.IsPlausible(number) || (selection.Pid != 0 && selection.Pid != number)
            || (isStop ? !WaitStatus.IsPlausibleStop(status) || (selection.Options & (status == WaitStatus.Continued ? Continued : Stopped)) == 0
                : (selection.Options & Exited) == 0))
        {
            return false;
        }

        int pid = (int)number;
        for (int round = 0; ; round++)
        {
            if (!ProcessNumbers.TryFindProcess(pid, out Handle<Process> handle))
            {
                // Processes from outside come only to the init of the namespace and to subreapers.
                ref Process caller = ref Pool<Process>.Get(thread.Process);
                return (caller.Pid == ProcessTree.InitPid || caller.MayAdopt) && !ProcessNumbers.IsTaken(pid)
                    && (isStop || WaitStatus.IsEnd(status));
            }

            ref Process process = ref Pool<Process>.Get(handle);
            if (process.Parent.Is(thread.Process))
            {
                return isStop || TryConfirmEnd(handle, selection, ref status, reap);
            }

            // A child of a process that Linux has ended for good, but one of whose threads is still on its way out.
            bool mayCome = Pool<Process>.IsLive(process.Parent) && ProcessTree.FindReaper(process.Parent).Is(thread.Process);
            if (!mayCome || round >= MaxRounds)
            {
                return false;
            }

            _ = Gate.Call(ref thread, Sys.sched_yield);
            if (thread.Dying)
            {
                return false;
            }
        }
    }

    /// <summary>Whether an error can be: no child (ECHILD) is a lie while there is one.</summary>
    public static bool IsError(ref Thread thread, in WaitSelection selection, long result)
    {
        // Another thread of the process may be about to confirm the last one. Of threads' own children and descriptors nothing is known.
        ref Process caller = ref Pool<Process>.Get(thread.Process);
        if (result != -Errno.ECHILD || caller.Waiting > 1 || selection.IsOther || (selection.Options & OwnThreadOnly) != 0)
        {
            return true;
        }

        for (int i = 0; Pool<Process>.TryNext(i, out Handle<Process> handle); i = handle.Index + 1)
        {
            ref Process child = ref Pool<Process>.Get(handle);
            bool isKind = (selection.Options & AnyKind) != 0
                || ((selection.Options & CloneKind) == 0 && child.ExitSignal == ProcessNumbers.SigChld);
            bool isSelected = selection.Pid != 0 ? child.Pid == selection.Pid
                : !selection.IsGroup || (selection.Group != 0 && child.Group == selection.Group && child.GroupChanges == 0);
            if (child.Pid != 0 && child.Parent.Is(thread.Process) && isKind && isSelected && !child.MayBeReaped && child.FormerParent == 0)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryConfirmEnd(Handle<Process> handle, in WaitSelection selection, ref int status, bool reap)
    {
        ref Process process = ref Pool<Process>.Get(handle);
        bool isInGroup = !selection.IsGroup || selection.Group == 0 || process.Group == 0 || process.GroupChanges != 0
            || process.Group == selection.Group;
        if (process.State != ProcessState.Zombie || !isInGroup)
        {
            return false;
        }

        bool isKill = WaitStatus.IsEnd(status) && (status & 0x7F) != 0;
        if (process.StatusKnown)
        {
            // A signal's core flag is Linux's.
            status = (process.Status & 0x7F) != 0 ? process.Status | (isKill ? status & WaitStatus.CoreDumped : 0) : process.Status;
        }
        else if (!isKill)
        {
            // It was killed, whatever Linux says; by which signal is unknown then.
            status = process.Status;
        }

        if (reap)
        {
            ProcessTree.ForgetFormer(process.Pid);
            Pool<Process>.Free(handle);
        }

        return true;
    }
}
