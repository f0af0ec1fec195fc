namespace BlackBox.Shield;

/// <summary>Where a thread is in its life.</summary>
internal enum ThreadState
{
    /// <summary>Made by clone; its task has not started.</summary>
    New,

    /// <summary>Runs the program, or the shield for it.</summary>
    Running,

    /// <summary>Has released what it held; only the last call to the OS is left.</summary>
    Ended,
}

/// <summary>One thread of the enclave: a task of the monitor, a thread of Linux, a kernel stack.</summary>
internal struct Thread
{
    public Handle<Thread> Self;
    public Handle<Process> Process;

    /// <summary>Next thread of the same process.</summary>
    public Handle<Thread> Next;

    /// <summary>Thread whose vfork waits for this one to exec or end.</summary>
    public Handle<Thread> ForkedBy;

    /// <summary>The monitor's handle of the task; also the word of the kernel lock while this thread holds it.</summary>
    public ulong TaskHandle;

    /// <summary>EL1 virtual address of the saved <see cref="UserRegisters"/> (top of the kernel stack).</summary>
    public ulong RegistersAddress;

    /// <summary>Shared buffer: its IPA (lent frames) and bytes, both from the monitor.</summary>
    public ulong BufferAddress;
    public int BufferSize;

    /// <summary>Bytes at the start of the data area that services (ReadFile, WriteFile) use; forwarded calls use what follows.</summary>
    public int ServiceBytes;

    /// <summary>Bytes of the data area: where the area for Linux's signal frames starts, or the end of the buffer.</summary>
    public int DataBytes;

    /// <summary>Addresses in the thread's Linux address space, copied once from the header at start.</summary>
    public ulong OsBuffer;
    public ulong OsService;
    public ulong OsGate;
    public ulong OsMirror;

    /// <summary>IPA of the lent frame with the mirror words, and this task's index in it.</summary>
    public ulong MirrorFrame;
    public int MirrorIndex;

    /// <summary>Area for Linux's signal frames in the buffer: offset from the buffer's start, bytes.</summary>
    public int SignalStackOffset;
    public int SignalStackBytes;

    /// <summary>Linux's thread number, in the enclave's own pid namespace.</summary>
    public int Tid;

    public ThreadState State;

    /// <summary>The OS killed the task: unwind, release, end. Calls to the OS answer -<see cref="Errno.Dying"/>.</summary>
    public bool Dying;

    /// <summary>How often the current service request came back unserved.</summary>
    public int ServiceRounds;

    /// <summary>Another thread ended the whole process (exit_group, exec).</summary>
    public bool ProcessEnding;

    /// <summary>User address of the word to clear and wake at the thread's end; 0 = none.</summary>
    public ulong ClearChildTid;

    /// <summary>Head of the robust list and its size as set by set_robust_list.</summary>
    public ulong RobustList;
    public ulong RobustListSize;

    /// <summary>For a new thread: flags of clone, user words for the numbers, first TPIDR_EL0.</summary>
    public ulong CloneFlags;
    public ulong ParentTidAddress;
    public ulong ChildTidAddress;
    public ulong ThreadPointer;

    /// <summary>The new thread's number was written where clone asked for it: by the parent or the child, whoever came first.</summary>
    public bool NumberWritten;

    public SignalState Signals;

    /// <summary>Place in the futex queues.</summary>
    public FutexState Futex;

    /// <summary>The program's registers at its entry into the shield.</summary>
    public readonly ref UserRegisters Registers => ref Hardware.KernelReference<UserRegisters>(RegistersAddress);
}
