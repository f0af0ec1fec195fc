using System.Runtime.CompilerServices;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Why a container leaves a CPU.</summary>
public enum LeaveReason
{
    /// <summary>An interrupt is pending for the OS.</summary>
    Interrupt,

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
/// registers is the world switch's business; it does so before <see cref="Leave"/>, <see cref="LeaveForCall"/> and after <see cref="TryEnter"/>.</summary>
public static class TaskGate
{
    /// <summary>The OS's thread fetched from the gate page.</summary>
    /// <param name="cpu">this CPU's record</param>
    /// <param name="handle">the thread's TPIDR_EL0</param>
    /// <param name="offset">of its PC in the gate page</param>
    /// <param name="x0">its x0: result, or number of the signal</param>
    /// <param name="x8">its x8: number of the call</param>
    /// <param name="sp">its SP_EL0</param>
    public static GateEntry TryEnter(ref CpuRecord cpu, TaskHandle handle, ulong offset, ulong x0, ulong x8, ulong sp)
    {
        Require(cpu.Task == 0);
        ref TaskSlot task = ref TaskTable.Find(handle, out TaskState from);
        if (from is TaskState.Running or TaskState.Held)
        {
            return GateEntry.Retry;
        }

        if (offset is AbiConstants.GateResume or AbiConstants.GateDone or AbiConstants.GateSignal
            && from is TaskState.Ready or TaskState.Preempted or TaskState.InCall)
        {
            if (!TaskTable.TryTake(ref task, handle, from, TaskState.Running))
            {
                return GateEntry.Retry;
            }

            ref TaskContext context = ref task.Saved;
            ref Enclave enclave = ref EnclaveTable.At(task.Enclave);
            if (context.Dying == 0 && EnclaveTable.TryEnter(ref enclave))
            {
                if (from == TaskState.InCall)
                {
                    bool isExecuted = context.Executed != 0;
                    context.Executed = 0;
                    context.SetResult(isExecuted ? 0 : x0, isExecuted ? AbiConstants.GateDone : offset, x8, sp);
                }
                else if (offset == AbiConstants.GateSignal)
                {
                    context.EventBits |= TaskContext.EventSignal;
                    context.EventNumber = x0;
                    context.EventStack = sp;
                }

                SetCurrent(ref cpu, handle.Slot, ref task, ref enclave);
                return GateEntry.Entered;
            }

            TaskTable.Put(ref task, from);
        }

        Audit.Refuse(AbiConstants.AuditRuleGate, Audit.NoEnclave, offset, handle.Value);
        return GateEntry.Refused;
    }

    /// <summary>The current task calls the OS (OsCall, OsFault); all its registers are in its context. Publishes its new state.</summary>
    public static void LeaveForCall(ref CpuRecord cpu, bool isLast)
    {
        Require(cpu.Task != 0 && cpu.Lender == 0 && cpu.IsInExit == 0);
        Depart(cpu.Task, isLast ? TaskState.Ended : TaskState.InCall);
        cpu.Task = 0;
        cpu.Context = default;
    }

    /// <summary>The current task has left for another reason; all its registers are in its context. Publishes its new state.</summary>
    public static Departure Leave(ref CpuRecord cpu, LeaveReason reason)
    {
        Require(cpu.Task != 0);
        switch (reason)
        {
            case LeaveReason.Switch:
                return Switch(ref cpu);
            case LeaveReason.Ended:
                Require(cpu.Lender == 0 && cpu.IsInExit != 0);
                Hardware.ZeroFrame(cpu.Context);
                return LeaveAll(ref cpu, TaskState.Reserved, DepartureKind.ResumeOs, Status.Success);
            case LeaveReason.Stop:
                EnclaveTable.Stop(cpu.Enclave);
                return LeaveAll(ref cpu, TaskState.Preempted, DepartureKind.AbortOs, Status.Again);
            default:
                return LeaveAll(ref cpu, TaskState.Preempted, DepartureKind.ResumeOs, Status.Again);
        }
    }

    /// <summary>Makes a task that the caller has taken to Running the current one of this CPU.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SetCurrent(ref CpuRecord cpu, uint slot, ref TaskSlot task, ref Enclave enclave)
    {
        cpu.Task = slot + 1;
        cpu.Context = task.Context.Address;
        cpu.Enclave = task.Enclave;
        cpu.Vttbr = enclave.Vttbr(task.Enclave);
    }

    private static Departure Switch(ref CpuRecord cpu)
    {
        Require(cpu.Next != 0);
        if (cpu.Lender == 0)
        {
            cpu.Lender = cpu.Task; // it stays Running: nobody else may enter it
        }
        else
        {
            Depart(cpu.Task, TaskState.Preempted);
            cpu.Lender = 0;
        }

        ref TaskSlot next = ref TaskTable.At(cpu.Next - 1);
        SetCurrent(ref cpu, cpu.Next - 1, ref next, ref EnclaveTable.At(next.Enclave));
        cpu.Next = 0;
        return new Departure(DepartureKind.RunTask);
    }

    private static Departure LeaveAll(ref CpuRecord cpu, TaskState state, DepartureKind kind, Status status)
    {
        Depart(cpu.Task, state);
        if (cpu.Lender != 0)
        {
            Depart(cpu.Lender, TaskState.Preempted);
        }

        bool isInExit = cpu.IsInExit != 0;
        cpu.Task = 0;
        cpu.Context = default;
        cpu.Lender = 0;
        cpu.IsInExit = 0;
        return isInExit ? new Departure(DepartureKind.FinishHypercall, status) : new Departure(kind);
    }

    /// <param name="task">slot + 1</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Depart(uint task, TaskState state)
    {
        ref TaskSlot slot = ref TaskTable.At(task - 1);
        // First the count, then the task: while the task is taken it cannot be destroyed, nor its enclave freed.
        EnclaveTable.Leave(ref EnclaveTable.At(slot.Enclave));
        TaskTable.Put(ref slot, state);
    }

    private static void Require(bool isSound)
    {
        if (!isSound)
        {
            Hardware.Panic("state of a CPU"u8);
        }
    }
}
