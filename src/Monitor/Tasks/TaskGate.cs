using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Why a container leaves a CPU.</summary>
public enum LeaveReason
{
    /// <summary>An interrupt is pending for the OS.</summary>
    Interrupt,

    /// <summary>OsCall or OsFault.</summary>
    Call,

    /// <summary>YieldTo, YieldBack: another task of the enclave runs next (<see cref="CpuRecord.Next"/>).</summary>
    Switch,

    /// <summary>A dying task has called TaskEnded.</summary>
    Ended,

    /// <summary>The shield panicked, or did what only a broken shield does: the enclave is stopped.</summary>
    Stop,
}

/// <summary>What this CPU does after a container has left it.</summary>
public enum DepartureKind
{
    /// <summary>Back to the OS at gate + 0, EL0: it takes its interrupt.</summary>
    ResumeOs,

    /// <summary>Into the OS's vector, with the call.</summary>
    EnterOs,

    /// <summary>External abort to the OS's thread: its container is no more.</summary>
    AbortOs,

    /// <summary>Load the context of the task that is now current.</summary>
    RunTask,

    /// <summary>Back to the OS behind its HVC (TaskExit), x0 = <see cref="Departure.Status"/>, x1-x3 = 0.</summary>
    FinishHypercall,
}

/// <summary>Outcome of <see cref="TaskGate.TryEnter"/>.</summary>
public enum GateEntry
{
    /// <summary>External abort to the thread; counted.</summary>
    Refused,

    /// <summary>The task is current on this CPU: load its context.</summary>
    Entered,

    /// <summary>Another CPU has the task: it runs it for a waiter (YieldTo), or a hypercall holds it. Either is bounded. The thread
    /// fetches again, with the OS's interrupts open.</summary>
    Retry,
}

/// <summary>Outcome of <see cref="TaskGate.Leave"/>.</summary>
public readonly struct Departure(DepartureKind kind, Status status = Status.Success)
{
    public DepartureKind Kind { get; } = kind;

    public Status Status { get; } = status;
}

/// <summary>The decisions of the gate: which task may enter, in which state, and what follows when it leaves. Saving and loading
/// registers is the world switch's business; it does so before <see cref="Leave"/> and after <see cref="TryEnter"/>.</summary>
public static class TaskGate
{
    /// <summary>The OS's thread fetched from the gate page.</summary>
    /// <param name="handle">its TPIDR_EL0</param>
    /// <param name="offset">of its PC in the gate page</param>
    /// <param name="x0">its x0: result, or number of the signal</param>
    /// <param name="x8">its x8: number of the call</param>
    /// <param name="sp">its SP_EL0</param>
    public static GateEntry TryEnter(TaskHandle handle, ulong offset, ulong x0, ulong x8, ulong sp)
    {
        GateEntry entry = TryEnterCore(handle, offset, x0, x8, sp);
        if (entry == GateEntry.Refused)
        {
            CpuTable.Counters.Refusals++;
        }

        return entry;
    }

    /// <summary>Physical address of the context of the task that is current on this CPU.</summary>
    public static PhysicalAddress CurrentContext => TaskTable.At(CurrentSlot).Context.Address;

    /// <summary>VTTBR_EL2 for the task that is current on this CPU.</summary>
    public static ulong CurrentVttbr => EnclaveTable.VttbrOf(CurrentEnclave);

    /// <summary>Index of the enclave whose task is current on this CPU.</summary>
    public static uint CurrentEnclave => TaskTable.At(CurrentSlot).Enclave;

    internal static uint CurrentSlot
    {
        get
        {
            uint current = CpuTable.Current.Current;
            if (current == 0)
            {
                Hardware.Panic(PanicReason.CpuState);
            }

            return current - 1;
        }
    }

    /// <summary>The current task has left; all its registers are in its context. Publishes its new state.</summary>
    public static Departure Leave(LeaveReason reason)
    {
        ref CpuRecord cpu = ref CpuTable.Current;
        uint slot = CurrentSlot;
        switch (reason)
        {
            case LeaveReason.Switch:
                return Switch(ref cpu, slot);
            case LeaveReason.Call:
                if (cpu.Lender != 0 || cpu.IsInExit != 0)
                {
                    Hardware.Panic(PanicReason.CpuState);
                }

                Depart(slot, TaskTable.ContextOf(slot).Ended != 0 ? TaskState.Ended : TaskState.InCall);
                cpu.Current = 0;
                return new Departure(DepartureKind.EnterOs);
            case LeaveReason.Ended:
                if (cpu.Lender != 0 || cpu.IsInExit == 0)
                {
                    Hardware.Panic(PanicReason.CpuState);
                }

                TaskLife.Wipe(slot);
                return LeaveAll(ref cpu, slot, TaskState.Reserved, DepartureKind.ResumeOs, Status.Success);
            case LeaveReason.Stop:
                EnclaveTable.Stop(TaskTable.At(slot).Enclave);
                return LeaveAll(ref cpu, slot, TaskState.Preempted, DepartureKind.AbortOs, Status.Again);
            default:
                return LeaveAll(ref cpu, slot, TaskState.Preempted, DepartureKind.ResumeOs, Status.Again);
        }
    }

    private static GateEntry TryEnterCore(TaskHandle handle, ulong offset, ulong x0, ulong x8, ulong sp)
    {
        ref CpuRecord cpu = ref CpuTable.Current;
        if (cpu.Current != 0)
        {
            Hardware.Panic(PanicReason.CpuState);
        }

        TaskState from = TaskTable.Find(handle);
        if (from is TaskState.Running or TaskState.Held)
        {
            return GateEntry.Retry;
        }

        if (offset is not (AbiConstants.GateResume or AbiConstants.GateDone or AbiConstants.GateSignal)
            || from is not (TaskState.Ready or TaskState.Preempted or TaskState.InCall))
        {
            return GateEntry.Refused;
        }

        if (!TaskTable.TryTake(handle, from, TaskState.Running))
        {
            return GateEntry.Retry;
        }

        uint slot = handle.Slot;
        ref TaskContext context = ref TaskTable.ContextOf(slot);
        if (context.Dying != 0 || !EnclaveTable.TryEnter(TaskTable.At(slot).Enclave))
        {
            TaskTable.Put(slot, from);
            return GateEntry.Refused;
        }

        if (from == TaskState.InCall)
        {
            bool isExecuted = context.Executed != 0;
            context.Executed = 0;
            SetResult(ref context, isExecuted ? 0 : x0, isExecuted ? AbiConstants.GateDone : offset, x8, sp);
        }
        else if (offset == AbiConstants.GateSignal)
        {
            context.EventBits |= TaskContext.EventSignal;
            context.EventNumber = x0;
            context.EventStack = sp;
        }

        cpu.Current = slot + 1;
        return GateEntry.Entered;
    }

    /// <summary>What OsCall returns to the shield.</summary>
    internal static void SetResult(ref TaskContext context, ulong x0, ulong offset, ulong x8, ulong sp)
    {
        context.Registers.General[0] = x0;
        context.Registers.General[1] = offset;
        context.Registers.General[2] = x8;
        context.Registers.General[3] = sp;
    }

    private static Departure Switch(ref CpuRecord cpu, uint slot)
    {
        if (cpu.Next == 0)
        {
            Hardware.Panic(PanicReason.CpuState);
        }

        if (cpu.Lender == 0)
        {
            cpu.Lender = slot + 1; // it stays Running: nobody else may enter it
        }
        else
        {
            Depart(slot, TaskState.Preempted);
            cpu.Lender = 0;
        }

        cpu.Current = cpu.Next;
        cpu.Next = 0;
        return new Departure(DepartureKind.RunTask);
    }

    private static Departure LeaveAll(ref CpuRecord cpu, uint slot, TaskState state, DepartureKind kind, Status status)
    {
        Depart(slot, state);
        if (cpu.Lender != 0)
        {
            Depart(cpu.Lender - 1, TaskState.Preempted);
        }

        bool isInExit = cpu.IsInExit != 0;
        cpu.Current = 0;
        cpu.Lender = 0;
        cpu.IsInExit = 0;
        return isInExit ? new Departure(DepartureKind.FinishHypercall, status) : new Departure(kind);
    }

    private static void Depart(uint slot, TaskState state)
    {
        uint enclave = TaskTable.At(slot).Enclave;
        // First the count, then the task: while the task is taken it cannot be destroyed, nor its enclave freed.
        EnclaveTable.Leave(enclave);
        TaskTable.Put(slot, state);
    }
}
