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

    /// <summary>Process that made this one; null when it is outside the enclave or gone.</summary>
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
