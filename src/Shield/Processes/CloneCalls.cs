using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>What clone and clone3 ask for.</summary>
internal struct CloneRequest
{
    public ulong Flags;
    public int ExitSignal;
    public ulong Stack;
    public ulong ThreadPointer;
    public ulong ParentTid;
    public ulong ChildTid;
    public ulong PidDescriptor;
}

/// <summary>
/// New threads and processes. Order: everything that can fail inside, the module's reservation, the ticket, the forwarded
/// clone. Linux gets the flags that concern it, but neither stack nor addresses; the numbers are written by the shield.
/// </summary>
internal static class CloneCalls
{
    // include/uapi/linux/sched.h
    public const ulong Memory = 0x100;
    public const ulong FileSystem = 0x200;
    public const ulong Files = 0x400;
    public const ulong SignalHandlers = 0x800;
    public const ulong PidDescriptor = 0x1000;
    public const ulong Vfork = 0x4000;
    public const ulong Parent = 0x8000;
    public const ulong Threads = 0x1_0000;
    public const ulong SystemV = 0x4_0000;
    public const ulong SetThreadPointer = 0x8_0000;
    public const ulong ParentSetTid = 0x10_0000;
    public const ulong ChildClearTid = 0x20_0000;
    public const ulong ChildSetTid = 0x100_0000;
    private const ulong Namespaces = 0x7E02_0080;
    private const ulong InputOutput = 0x8000_0000;
    private const ulong ClearHandlers = 0x1_0000_0000;
    private const ulong IntoCgroup = 0x2_0000_0000;
    private const ulong SignalMask = 0xFF;

    /// <summary>What Linux is told.</summary>
    private const ulong Forwarded = Memory | FileSystem | Files | SignalHandlers | PidDescriptor | Vfork | Parent | Threads | SystemV | InputOutput;

    /// <summary>struct clone_args, version 0: eight words; with set_tid and cgroup eleven.</summary>
    private const int MinArguments = 64;
    private const int MaxArguments = 88;

    public static long Clone(ref Thread thread, ref CallArguments a)
    {
        CloneRequest request = new()
        {
            Flags = a[0] & ~SignalMask & 0xFFFF_FFFF,
            ExitSignal = (int)(a[0] & SignalMask),
            Stack = a[1],
            ParentTid = a[2],
            ThreadPointer = a[3],
            ChildTid = a[4],
            PidDescriptor = a[2],
        };
        return (request.Flags & (PidDescriptor | ParentSetTid)) == (PidDescriptor | ParentSetTid)
            ? -Errno.EINVAL
            : Make(ref thread, ref request);
    }

    public static long Clone3(ref Thread thread, ref CallArguments a)
    {
        if (a[1] < MinArguments)
        {
            return -Errno.EINVAL;
        }

        if (a[1] > MaxArguments)
        {
            return -Errno.E2BIG;
        }

        Span<ulong> words = stackalloc ulong[MaxArguments / sizeof(ulong)];
        words.Clear();
        if (!UserMemory.TryRead(ref thread, a[0], MemoryMarshal.AsBytes(words)[..(int)a[1]]))
        {
            return -Errno.EFAULT;
        }

        CloneRequest request = new()
        {
            Flags = words[0],
            PidDescriptor = words[1],
            ChildTid = words[2],
            ParentTid = words[3],
            ExitSignal = (int)words[4],
            Stack = words[5] + words[6],
            ThreadPointer = words[7],
        };
        bool good = words[4] <= 64 && (words[0] & SignalMask) == 0 && (words[5] == 0) == (words[6] == 0);
        return !good ? -Errno.EINVAL : words[8] != 0 || words[9] != 0 ? -Errno.EPERM : Make(ref thread, ref request);
    }

    /// <summary>First steps of a new thread, on its own stack; the lock is not held. Returns when it can enter EL0.</summary>
    public static void Begin(ref Thread thread, ulong buffer, ulong bufferBytes, ulong task)
    {
        thread.TaskHandle = task;
        Hardware.CurrentTask = task;
        KernelLock.Acquire();
        if (!ThreadBuffers.TryAttach(ref thread, buffer, bufferBytes, task, out ulong numbers))
        {
            Panic.Stop(PanicReason.Protocol, "unusable shared buffer of a new thread"u8);
        }

        Hardware.ThreadPointer = thread.ThreadPointer;
        AddressSpaces.Activate(Pool<Process>.Get(thread.Process).Memory);
        if (thread.ProcessEnding)
        {
            // The parent found clone's result false: for the program there is no such child.
            Exits.EndNow(ref thread);
        }

        if (!TryLearn(ref thread, (int)(numbers >> 32)))
        {
            Lies++;
            Exits.Abandon(ref thread);
        }

        thread.State = ThreadState.Running;
        ulong flags = thread.CloneFlags;
        if ((flags & ChildClearTid) != 0)
        {
            thread.ClearChildTid = thread.ChildTidAddress;
        }

        if ((flags & ChildSetTid) != 0)
        {
            _ = UserMemory.TryWrite(ref thread, thread.ChildTidAddress, thread.Tid);
        }

        WriteNumber(ref thread, ref thread);
        Dispatcher.Leave(ref thread);
    }

    private static long Make(ref Thread thread, ref CloneRequest request)
    {
        long error = Check(request.Flags);
        if (error != 0)
        {
            return error;
        }

        if ((request.Flags & Threads) == 0 && ProtectedImage.ProcessLimit != 0 && (ulong)Pool<Process>.Count >= ProtectedImage.ProcessLimit)
        {
            return -Errno.EAGAIN;
        }

        long reserved = Gate.Service(ref thread, Service.ReserveTask);
        if (reserved < 0)
        {
            return reserved == -Errno.Dying ? reserved : -Errno.EAGAIN;
        }

        // Memory for the copy of the address space, the stack, the tables. The last that may drop the lock: others fork, too, and
        // take what was reserved; and the space may have grown meanwhile.
        int frames;
        do
        {
            frames = FramesNeeded(ref thread, request.Flags);
            if (!Frames.Reserve(ref thread, frames))
            {
                _ = Gate.Service(ref thread, Service.CancelTask);
                return thread.Dying ? -Errno.Dying : -Errno.ENOMEM;
            }
        }
        while (FramesNeeded(ref thread, request.Flags) > frames);

        if (!TryPrepare(ref thread, ref request, out Handle<Thread> child))
        {
            _ = Gate.Service(ref thread, Service.CancelTask);
            return -Errno.ENOMEM;
        }

        ref Thread childThread = ref Pool<Thread>.Get(child);
        ulong argument = Hardware.AddressOf(ref childThread);
        if (Hardware.TicketIssue(Hardware.ThreadEntry, childThread.RegistersAddress, argument) != Status.Success)
        {
            Panic.Stop(PanicReason.Invariant, "a ticket was left"u8);
        }

        return Forward(ref thread, ref request, child);
    }

    private static int FramesNeeded(ref Thread thread, ulong flags) => 64 + ((flags & Memory) == 0 ? AddressSpaces.ForkFrames(ref thread) : 0);

    private static long Forward(ref Thread thread, ref CloneRequest request, Handle<Thread> child)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(sizeof(int), out int offset, out ulong descriptor);
        SharedBuffer.WriteHeader(ref thread, BufferLayout.Argument3, 0);
        Handle<Process> process = Pool<Thread>.Get(child).Process;
        ulong flags = (request.Flags & Forwarded) | (uint)request.ExitSignal;
        long result = PlainCall.Checked(
            Gate.Call(ref thread, Sys.clone, flags, 0, (flags & PidDescriptor) != 0 ? descriptor : 0));
        if (Hardware.TicketCancel() == Status.Success)
        {
            // None was started, or the module could not bind it and has it killed.
            Undo(child);
            _ = Gate.Service(ref thread, Service.CancelTask);
            return result < 0 ? result : -Errno.EAGAIN;
        }

        if (thread.Dying)
        {
            // A dying parent's child lives on.
            return result;
        }

        // The number as clone tells it and as the child is told it (the module leaves that here when it binds the child) have to agree.
        int number = ProcessNumbers.IsPlausible(result) ? (int)result : 0;
        if (number == 0 || (int)(SharedBuffer.ReadHeader(ref thread, BufferLayout.Argument3) >> 32) != number || !IsNumber(child, process, number))
        {
            Lies++;
            Reject(ref thread, child, process);
            return result < 0 ? result : -Errno.EAGAIN;
        }

        // It may be over already; then its number was checked when it began.
        if (Pool<Thread>.IsLive(child))
        {
            WriteNumber(ref thread, ref Pool<Thread>.Get(child));
        }

        if ((flags & PidDescriptor) == 0)
        {
            return result;
        }

        // A process descriptor always has close-on-exec. The child exists whatever becomes of it.
        number = buffer.Take<int>(offset);
        return Descriptors.RecordClear(ref thread, number < 0 ? -Errno.EIO : number, closeOnExec: true) < 0 ? -Errno.EIO
            : UserMemory.TryWrite(ref thread, request.PidDescriptor, number) ? result
            : -Errno.EFAULT;
    }

    private static long Check(ulong flags)
    {
        bool consistent = ((flags & Threads) == 0 || (flags & SignalHandlers) != 0)
            && ((flags & SignalHandlers) == 0 || (flags & Memory) != 0)
            && (flags & (Threads | PidDescriptor)) != (Threads | PidDescriptor)
            && (flags & (ClearHandlers | SignalHandlers)) != (ClearHandlers | SignalHandlers);
        return !consistent ? -Errno.EINVAL : (flags & (Namespaces | IntoCgroup)) != 0 ? -Errno.EPERM : 0;
    }

    /// <summary>Makes thread and, if need be, process; nothing is visible to the child yet. False: no memory, nothing changed.</summary>
    private static bool TryPrepare(ref Thread thread, ref CloneRequest request, out Handle<Thread> child)
    {
        if (!Pool<Thread>.TryAdd(out child))
        {
            return false;
        }

        ref Thread made = ref Pool<Thread>.Get(child);
        if (!Stacks.TryGet(child.Index, out ulong top))
        {
            Pool<Thread>.Free(child);
            return false;
        }

        made.Self = child;
        made.RegistersAddress = top - UserRegisters.Size;
        made.CloneFlags = request.Flags;
        made.ParentTidAddress = request.ParentTid;
        made.ChildTidAddress = request.ChildTid;
        made.ThreadPointer = (request.Flags & SetThreadPointer) != 0 ? request.ThreadPointer : Hardware.ThreadPointer;
        Handle<Process> process = thread.Process;
        if ((request.Flags & Threads) == 0 && !TryMakeProcess(ref thread, ref request, out process))
        {
            Pool<Thread>.Free(child);
            return false;
        }

        ProcessTree.Link(ref Pool<Process>.Get(process), ref made);
        SignalEntry.Inherit(ref thread, ref made, request.Flags);
        made.Registers = thread.Registers;
        made.Registers.X[0] = 0;
        if (request.Stack != 0)
        {
            made.Registers.Sp = request.Stack;
        }

        return true;
    }

    private static bool TryMakeProcess(ref Thread thread, ref CloneRequest request, out Handle<Process> handle)
    {
        if (!Pool<Process>.TryAdd(out handle))
        {
            return false;
        }

        ref Process parent = ref Pool<Process>.Get(thread.Process);
        ref Process made = ref Pool<Process>.Get(handle);
        made.Self = handle;
        made.Parent = (request.Flags & Parent) != 0 ? parent.Parent : thread.Process;
        made.ExitSignal = request.ExitSignal;
        made.Group = parent.GroupChanges == 0 ? parent.Group : 0;
        made.StackLimit = parent.StackLimit;
        made.Dumpable = parent.Dumpable;
        made.NoNewPrivileges = parent.NoNewPrivileges;
        bool done = DescriptorTables.TryClone(ref parent, (request.Flags & Files) != 0, out made.Files)
            && FileSystems.TryClone(ref parent, (request.Flags & FileSystem) != 0, out made.FileSystem)
            && SignalEntry.TryCloneActions(ref parent, (request.Flags & SignalHandlers) != 0, out made.Actions);
        if (done && (request.Flags & Memory) != 0)
        {
            made.Memory = parent.Memory;
            AddressSpaces.AddReference(made.Memory);
        }
        else if (done)
        {
            done = AddressSpaces.TryFork(ref thread, out made.Memory);
        }

        if (!done)
        {
            ReleaseProcess(handle);
        }

        return done;
    }

    private static void Undo(Handle<Thread> child)
    {
        ref Thread made = ref Pool<Thread>.Get(child);
        Handle<Process> process = made.Process;
        ProcessTree.Unlink(ref Pool<Process>.Get(process), ref made);
        SignalEntry.Release(ref made);
        Pool<Thread>.Free(child);
        if (Pool<Process>.Get(process).ThreadCount == 0)
        {
            ReleaseProcess(process);
        }
    }

    private static void ReleaseProcess(Handle<Process> handle)
    {
        ref Process process = ref Pool<Process>.Get(handle);
        if (!process.Memory.IsNull)
        {
            AddressSpaces.Release(process.Memory);
        }

        DescriptorTables.Release(process.Files);
        FileSystems.Release(process.FileSystem);
        SignalEntry.ReleaseActions(process.Actions);
        Pool<Process>.Free(handle);
    }

    /// <summary>Children with two numbers, or with somebody else's.</summary>
    public static ulong Lies { get; internal set; }

    /// <summary>The child's number, from clone's result or the child's own buffer: the first that comes is checked, the second compared.</summary>
    private static bool TryLearn(ref Thread child, int number)
    {
        if (child.Tid != 0)
        {
            return child.Tid == number;
        }

        ProcessTree.ForgetReaped(number);
        if (!ProcessNumbers.IsPlausible(number) || ProcessNumbers.IsTaken(number))
        {
            return false;
        }

        child.Tid = number;
        ref Process process = ref Pool<Process>.Get(child.Process);
        if (process.Pid == 0)
        {
            process.Pid = number;
        }

        return true;
    }

    /// <summary>The parent's side: a child that is over already has left its number in its process, if that is one of its own.</summary>
    private static bool IsNumber(Handle<Thread> child, Handle<Process> process, int number) =>
        Pool<Thread>.IsLive(child) ? TryLearn(ref Pool<Thread>.Get(child), number)
        : !Pool<Process>.IsLive(process) || Pool<Process>.Get(process) is { State: not ProcessState.Zombie } || Pool<Process>.Get(process).Pid == number;

    /// <summary>
    /// The OS started a child and told the parent something else: the child must not run. One that has not begun ends when it does; a process
    /// that has begun is killed.
    /// </summary>
    private static void Reject(ref Thread thread, Handle<Thread> child, Handle<Process> handle)
    {
        bool hasBegun = !Pool<Thread>.IsLive(child) || Pool<Thread>.Get(child).State != ThreadState.New;
        if (handle.Is(thread.Process))
        {
            if (hasBegun)
            {
                Panic.Stop(PanicReason.Protocol, "clone denies a thread that runs"u8);
            }

            Pool<Thread>.Get(child).ProcessEnding = true;
            return;
        }

        if (!Pool<Process>.IsLive(handle))
        {
            return;
        }

        // Nobody will wait for it: the program never learns its number.
        ref Process process = ref Pool<Process>.Get(handle);
        process.Parent = default;
        if (process.State == ProcessState.Zombie)
        {
            Pool<Process>.Free(handle);
            return;
        }

        Exits.Mark(ref process, ProcessNumbers.SigKill);
        if (hasBegun && process.Pid != 0)
        {
            _ = Gate.Call(ref thread, Sys.kill, (ulong)process.Pid, ProcessNumbers.SigKill);
        }
    }

    /// <summary>
    /// CLONE_PARENT_SETTID. With shared memory both sides may count on it as soon as they run, so the first writes; a copy has it
    /// in the parent's memory only.
    /// </summary>
    private static void WriteNumber(ref Thread writer, ref Thread child)
    {
        bool shared = (child.CloneFlags & Memory) != 0;
        bool isParent = !writer.Self.Is(child.Self);
        if ((child.CloneFlags & ParentSetTid) == 0 || child.NumberWritten || (!shared && !isParent))
        {
            return;
        }

        child.NumberWritten = true;
        _ = UserMemory.TryWrite(ref writer, child.ParentTidAddress, child.Tid);
    }
}
