using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>Creation, start and end of tasks.</summary>
public static class TaskLife
{
    /// <summary>EL1h, debug exceptions, SError, IRQ and FIQ masked.</summary>
    private const ulong StartPstate = 0x3c5;

    /// <summary>SCTLR_EL1 with its RES1 bits (Armv8.0) and nothing on: MMU and caches off, little-endian.</summary>
    private const ulong StartSctlr = 0x30d0_0800;

    /// <summary>Reserves a slot: the context frame leaves the OS, the buffer is bound.</summary>
    public static Status Create(EnclaveHandle enclaveHandle, FrameRange context, FrameRange buffer, out TaskHandle handle)
    {
        handle = default;
        if (context.Overlaps(buffer))
        {
            return Status.Invalid;
        }

        Status status = EnclaveTable.TryLockLive(enclaveHandle, out LockedEnclave enclave);
        if (status != Status.Success)
        {
            return status;
        }

        status = FrameTable.TryLock(context, FrameExpectation.Os, out LockedFrames contextFrames);
        if (status != Status.Success)
        {
            return enclave.Unlock(status);
        }

        status = FrameTable.TryLock(buffer, FrameExpectation.Of(FrameState.Lent, enclave.Index), out LockedFrames bufferFrames);
        if (status != Status.Success)
        {
            contextFrames.Release();
            return enclave.Unlock(status);
        }

        if (enclave.Data.Tasks >= AbiConstants.MaxTasksPerEnclave || !TaskTable.TryClaim(out handle))
        {
            bufferFrames.Release();
            contextFrames.Release();
            return enclave.Unlock(Status.NoResource);
        }

        ref TaskSlot task = ref TaskTable.At(handle.Slot);
        task.Enclave = enclave.Index;
        task.Context = context.First;
        task.Buffer = buffer.First;
        task.BufferFrames = buffer.Count;
        EnclaveMemory.TakeZeroed(contextFrames);
        contextFrames.Publish(FrameWord.Of(FrameState.Context, enclave.Index));
        bufferFrames.Publish(FrameWord.Buffer(enclave.Index));
        enclave.Data.Tasks++;
        TaskTable.Put(ref task, TaskState.Reserved);
        return enclave.Unlock();
    }

    /// <summary>Redeems a ticket: the reserved task becomes ready in exactly the state that the ticket names.</summary>
    /// <param name="parent">0: the enclave's first task, once</param>
    public static Status Clone(TaskHandle handle, TaskHandle parent)
    {
        ref TaskSlot task = ref TryHold(handle, TaskState.Reserved, out Status status);
        if (status == Status.Success)
        {
            status = parent.Value == 0 ? RedeemBoot(ref task, handle) : Redeem(ref task, handle, parent);
            TaskTable.Put(ref task, status == Status.Success ? TaskState.Ready : TaskState.Reserved);
        }

        return status;
    }

    /// <summary>The pending call of the task was an exec, and it is done.</summary>
    public static Status Exec(TaskHandle handle)
    {
        ref TaskSlot task = ref TryHold(handle, TaskState.InCall, out Status status);
        if (status == Status.Success)
        {
            bool isLive = EnclaveTable.StateOf(task.Enclave) == EnclaveState.Live;
            status = isLive ? Status.Success : Status.Stopped;
            task.Saved.Executed |= isLive ? 1UL : 0;
            TaskTable.Put(ref task, TaskState.InCall);
        }

        return status;
    }

    /// <summary>The thread is dead.</summary>
    /// <param name="mustRun">true: the task is current on this CPU and runs inside the hypercall; false: the status is the answer</param>
    public static Status Exit(TaskHandle handle, out bool mustRun)
    {
        mustRun = false;
        ref TaskSlot task = ref TaskTable.Find(handle, out TaskState from);
        if (from is TaskState.Free or TaskState.Reserved)
        {
            return Status.Invalid;
        }

        if (from is TaskState.Held or TaskState.Running || !TaskTable.TryTake(ref task, handle, from, TaskState.Running))
        {
            return Status.Busy;
        }

        if (from == TaskState.Ended)
        {
            Hardware.ZeroFrame(task.Context.Address);
            TaskTable.Put(ref task, TaskState.Reserved);
            return Status.Success;
        }

        ref Enclave enclave = ref EnclaveTable.At(task.Enclave);
        if (!EnclaveTable.TryEnter(ref enclave))
        {
            TaskTable.Put(ref task, from);
            return Status.Stopped;
        }

        ref TaskContext context = ref task.Saved;
        if (context.Dying == 0)
        {
            context.Dying = 1;
            context.EventBits |= TaskContext.EventDying;
        }

        if (from == TaskState.InCall)
        {
            context.SetResult(unchecked((ulong)Status.Denied), ulong.MaxValue, 0, 0);
        }

        ref CpuRecord cpu = ref CpuRecord.Current;
        TaskGate.SetCurrent(ref cpu, handle.Slot, ref task, ref enclave);
        cpu.IsInExit = 1;
        mustRun = true;
        return Status.Success;
    }

    /// <summary>Frees the slot of a reserved task, or of any task of a stopped enclave.</summary>
    /// <param name="context">the frame that is the OS's again, scrubbed</param>
    public static Status Destroy(TaskHandle handle, out PhysicalAddress context)
    {
        context = default;
        ref TaskSlot task = ref TaskTable.Find(handle, out TaskState from);
        if (from == TaskState.Free)
        {
            return Status.Invalid;
        }

        if (from is TaskState.Held or TaskState.Running || !TaskTable.TryTake(ref task, handle, from, TaskState.Held))
        {
            return Status.Busy;
        }

        LockedEnclave enclave = EnclaveTable.Lock(task.Enclave);
        if (from != TaskState.Reserved && enclave.State == EnclaveState.Live)
        {
            TaskTable.Put(ref task, from);
            return enclave.Unlock(Status.Denied);
        }

        // Nobody else ever locks a context or a bound buffer.
        FrameRange buffer = new(task.Buffer, task.BufferFrames);
        if (FrameTable.TryLock(new FrameRange(task.Context, 1), FrameExpectation.Of(FrameState.Context, enclave.Index), out LockedFrames contextFrames) != Status.Success
            || FrameTable.TryLock(buffer, FrameExpectation.Buffer(enclave.Index), out LockedFrames bufferFrames) != Status.Success)
        {
            Hardware.Panic("state of a task"u8);
            return enclave.Unlock(Status.Denied);
        }

        context = task.Context.Address;
        EnclaveMemory.GiveBack(contextFrames);
        bufferFrames.Publish(FrameWord.Of(FrameState.Lent, enclave.Index));
        enclave.Data.Tasks--;
        TaskTable.Put(ref task, TaskState.Free);
        return enclave.Unlock();
    }

    private static Status RedeemBoot(ref TaskSlot task, TaskHandle handle)
    {
        LockedEnclave enclave = EnclaveTable.Lock(task.Enclave);
        if (enclave.State != EnclaveState.Live || enclave.Data.BootTicket == 0)
        {
            return enclave.Unlock(enclave.State != EnclaveState.Live ? Status.Stopped : Status.Denied);
        }

        enclave.Data.BootTicket = 0;
        ref TaskContext context = ref task.Saved;
        context = default;
        context.Registers.Pc = FrameTable.Layout.ShieldEntry.Value;
        context.Registers.Pstate = StartPstate;
        context.Registers.Sctlr = StartSctlr;
        context.Registers.General[0] = enclave.Data.MemoryBase.Value;
        context.Registers.General[1] = enclave.Data.MemoryFrames << FrameNumber.Shift;
        SetBuffer(ref context, 2, task, handle);
        return enclave.Unlock();
    }

    private static Status Redeem(ref TaskSlot task, TaskHandle handle, TaskHandle parentHandle)
    {
        // In its call (clone) all of the parent's registers are in its context.
        ref TaskSlot parent = ref TryHold(parentHandle, TaskState.InCall, out Status status);
        if (status != Status.Success)
        {
            return status;
        }

        ref TaskContext from = ref parent.Saved;
        status = parent.Enclave != task.Enclave || from.Ticket != TicketState.Issued ? Status.Denied
            : EnclaveTable.StateOf(task.Enclave) != EnclaveState.Live ? Status.Stopped
            : Status.Success;
        if (status == Status.Success)
        {
            from.Ticket = TicketState.Redeemed;
            ref TaskContext context = ref task.Saved;
            context = default;
            context.Registers = from.Registers;
            context.Registers.General = default;
            context.Registers.Pc = from.TicketEntry;
            context.Registers.Pstate = StartPstate;
            context.Registers.SpEl1 = from.TicketStack;
            context.Registers.General[0] = from.TicketArgument;
            SetBuffer(ref context, 1, task, handle);
        }

        TaskTable.Put(ref parent, TaskState.InCall);
        return status;
    }

    // IPA of the buffer, its bytes, and the task's handle, in three registers.
    private static void SetBuffer(ref TaskContext context, int first, in TaskSlot task, TaskHandle handle)
    {
        context.Registers.General[first] = IntermediateAddress.OfLent(task.Buffer).Value;
        context.Registers.General[first + 1] = task.BufferFrames << FrameNumber.Shift;
        context.Registers.General[first + 2] = handle.Value;
    }

    // Takes a task that must be in a state to Held.
    private static ref TaskSlot TryHold(TaskHandle handle, TaskState from, out Status status)
    {
        ref TaskSlot task = ref TaskTable.Find(handle, out TaskState state);
        status = state == TaskState.Free ? Status.Invalid
            : state is TaskState.Held or TaskState.Running ? Status.Busy
            : state != from ? Status.Denied
            : TaskTable.TryTake(ref task, handle, from, TaskState.Held) ? Status.Success : Status.Busy;
        return ref task;
    }
}
