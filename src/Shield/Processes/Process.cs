namespace BlackBox.Shield;

/// <summary>Where a process is in its life.</summary>
internal enum ProcessState
{
    /// <summary>Has threads.</summary>
    Running,

    /// <summary>exit_group, a fatal signal or exec of one thread: the others end.</summary>
    Ending,

    /// <summary>No thread left; kept until its parent waits for it, so that its status can be checked.</summary>
    Zombie,
}

/// <summary>One process (thread group) of the enclave.</summary>
internal struct Process
{
    public Handle<Process> Self;
    public Handle<AddressSpace> Memory;
    public Handle<DescriptorTable> Files;
    public Handle<FileSystemInfo> FileSystem;
    public Handle<SignalActions> Actions;

    /// <summary>Process that made or adopted this one; null when it is outside the enclave or gone.</summary>
    public Handle<Process> Parent;

    /// <summary>First of the threads, linked by <see cref="Thread.Next"/>.</summary>
    public Handle<Thread> Threads
    {
        readonly get => threads.As<Thread>();
        set => threads = value.Raw;
    }

    private RawHandle threads;
    public int ThreadCount;

    /// <summary>Process number (thread group), as Linux gave it.</summary>
    public int Pid;

    /// <summary>Signal to the parent at the end (clone's exit signal).</summary>
    public int ExitSignal;

    public ProcessState State;

    /// <summary>prctl(PR_SET_CHILD_SUBREAPER): orphans among its descendants become its children.</summary>
    public bool IsSubreaper;

    /// <summary>It is or was a subreaper: it may have children that are not of this enclave (as the namespace's init always may).</summary>
    public bool MayAdopt;

    /// <summary>
    /// Number of the parent that ended, until Linux is seen to have given the process to <see cref="Parent"/>: the shield does so earlier.
    /// </summary>
    public int FormerParent;

    /// <summary>
    /// A zombie that Linux may have reaped without a wait that was seen here: the parent ignores SIGCHLD, or did so when the state changed;
    /// or the parent ended, or ran exec, and with it perhaps a thread that was about to learn of the end.
    /// </summary>
    public bool MayBeReaped;

    /// <summary>Process group if it is known (since setpgid or setsid in the enclave), else 0.</summary>
    public int Group;

    /// <summary>Calls under way that may change <see cref="Group"/>.</summary>
    public int GroupChanges;

    /// <summary>Threads that wait for children.</summary>
    public int Waiting;

    /// <summary>Wait status as the shield knows it (low 7 bits signal, bits 15..8 exit code); valid if <see cref="StatusKnown"/>.</summary>
    public int Status;
    public bool StatusKnown;

    /// <summary>RLIMIT_STACK in bytes, from the module at start.</summary>
    public ulong StackLimit;

    /// <summary>prctl(PR_SET_DUMPABLE).</summary>
    public int Dumpable;

    /// <summary>prctl(PR_SET_NO_NEW_PRIVS) and other flags kept for answers.</summary>
    public bool NoNewPrivileges;
}
