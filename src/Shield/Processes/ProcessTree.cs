namespace BlackBox.Shield;

/// <summary>Which threads make a process, which process made which.</summary>
internal static class ProcessTree
{
    public const int InitPid = 1;

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
    /// The last thread of a process is gone: its children go to the next subreaper or the enclave's init if there is one; the process
    /// itself stays as a zombie while somebody in the enclave may wait for it.
    /// </summary>
    public static void Finish(Handle<Process> handle)
    {
        Handle<Process> reaper = FindReaper(handle);
        ref Process process = ref Pool<Process>.Get(handle);
        for (int i = 0; Pool<Process>.TryNext(i, out Handle<Process> other); i = other.Index + 1)
        {
            ref Process child = ref Pool<Process>.Get(other);
            if (child.Parent.IsNull || !child.Parent.Is(handle))
            {
                continue;
            }

            child.Parent = reaper;
            if (child.State == ProcessState.Zombie)
            {
                // A thread that was killed in its wait may have had Linux's answer already.
                child.MayBeReaped = true;
                if (reaper.IsNull)
                {
                    Pool<Process>.Free(other);
                }
            }
            else
            {
                child.ExitSignal = ProcessNumbers.SigChld;
                child.FormerParent = process.Pid;
            }
        }

        process.State = ProcessState.Zombie;
        if (process.Parent.IsNull)
        {
            Pool<Process>.Free(handle);
        }
        else
        {
            process.MayBeReaped = process.FormerParent != 0 || IgnoresEnds(ref Pool<Process>.Get(process.Parent), process.ExitSignal);
        }
    }

    /// <summary>
    /// Who gets the children of a process that ends: its nearest ancestor that is a subreaper and goes on, else the init of the pid namespace
    /// (Linux: find_new_reaper). Null: whoever it is, it is outside the enclave.
    /// </summary>
    public static Handle<Process> FindReaper(Handle<Process> handle)
    {
        for (Handle<Process> at = Pool<Process>.Get(handle).Parent; Pool<Process>.IsLive(at); at = Pool<Process>.Get(at).Parent)
        {
            if (Pool<Process>.Get(at) is { IsSubreaper: true, State: ProcessState.Running })
            {
                return at;
            }
        }

        return ProcessNumbers.TryFindProcess(InitPid, out Handle<Process> init) && !init.Is(handle)
            && Pool<Process>.Get(init).State != ProcessState.Zombie ? init : default;
    }

    /// <summary>Whether ends of children leave no zombie: SIGCHLD is ignored, or SA_NOCLDWAIT (Linux: do_notify_parent).</summary>
    private static bool IgnoresEnds(ref Process parent, int exitSignal)
    {
        if (exitSignal != ProcessNumbers.SigChld || parent.Actions.IsNull)
        {
            return false;
        }

        ref SignalAction action = ref Pool<SignalActions>.Get(parent.Actions).Of(ProcessNumbers.SigChld);
        return action.Handler == SignalAction.Ignore || (action.Flags & SignalAction.NoChildWait) != 0;
    }

    /// <summary>
    /// What the users of a table do with SIGCHLD has changed, or one of them runs exec: which of the zombies among their children are left in
    /// Linux is not known exactly.
    /// </summary>
    public static void DoubtZombies(Handle<SignalActions> actions)
    {
        for (int i = 0; Pool<Process>.TryNext(i, out Handle<Process> other); i = other.Index + 1)
        {
            ref Process child = ref Pool<Process>.Get(other);
            if (child.State == ProcessState.Zombie && Pool<Process>.IsLive(child.Parent) && Pool<Process>.Get(child.Parent).Actions.Is(actions))
            {
                child.MayBeReaped = true;
            }
        }
    }

    /// <summary>Linux has reaped <paramref name="number"/>, hence it has given the children of that process to their new parents.</summary>
    public static void ForgetFormer(int number)
    {
        for (int i = 0; Pool<Process>.TryNext(i, out Handle<Process> other); i = other.Index + 1)
        {
            ref Process child = ref Pool<Process>.Get(other);
            if (child.FormerParent == number)
            {
                child.FormerParent = 0;
            }
        }
    }

    /// <summary>A zombie that may have been reaped without a wait, and was, since Linux gave its number again.</summary>
    public static void ForgetReaped(int number)
    {
        if (ProcessNumbers.TryFindProcess(number, out Handle<Process> old)
            && Pool<Process>.Get(old) is { State: ProcessState.Zombie, MayBeReaped: true })
        {
            Pool<Process>.Free(old);
        }
    }
}
