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

        if (!EnclaveTable.TryLock(enclaveHandle, out LockedEnclave enclave))
        {
            return Status.Invalid;
        }

        if (enclave.State != EnclaveState.Live)
        {
            return enclave.Unlock(Status.Stopped);
        }

        Status status = FrameTable.TryLock(context, FrameExpectation.Os, out LockedFrames contextFrames);
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

        ref TaskSlot slot = ref TaskTable.At(handle.Slot);
        slot.Enclave = enclave.Index;
        slot.Context = context.First;
        slot.Buffer = buffer.First;
        slot.BufferFrames = buffer.Count;
        EnclaveMemory.TakeZeroed(contextFrames);
        contextFrames.Publish(FrameWord.Of(FrameState.Context, enclave.Index));
        bufferFrames.Publish(FrameWord.Buffer(enclave.Index));
        enclave.Data.Tasks++;
        TaskTable.Put(handle.Slot, TaskState.Reserved);
        return enclave.Unlock();
    }

    /// <summary>Redeems a ticket: the reserved task becomes ready in exactly the state that the ticket names.</summary>
    /// <param name="parent">0: the enclave's first task, once</param>
    public static Status Clone(TaskHandle handle, TaskHandle parent)
    {
        Status status = TryHold(handle, TaskState.Reserved);
        if (status != Status.Success)
        {
            return status;
        }

        status = parent.Value == 0 ? RedeemBoot(handle) : Redeem(handle, parent);
        TaskTable.Put(handle.Slot, status == Status.Success ? TaskState.Ready : TaskState.Reserved);
        return status;
    }

    /// <summary>The pending call of the task was an exec, and it is done.</summary>
    public static Status Exec(TaskHandle handle)
    {
        Status status = TryHold(handle, TaskState.InCall);
        if (status != Status.Success)
        {
            return status;
        }

        if (EnclaveTable.StateOf(TaskTable.At(handle.Slot).Enclave) == EnclaveState.Live)
        {
            TaskTable.ContextOf(handle.Slot).Executed = 1;
        }
        else
        {
            status = Status.Stopped;
        }

        TaskTable.Put(handle.Slot, TaskState.InCall);
        return status;
    }

    /// <summary>The thread is dead.</summary>
    /// <param name="mustRun">true: the task is current on this CPU and runs inside the hypercall; false: the status is the answer</param>
    public static Status Exit(TaskHandle handle, out bool mustRun)
    {
        mustRun = false;
        TaskState from = TaskTable.Find(handle);
        switch (from)
        {
            case TaskState.Free or TaskState.Reserved:
                return Status.Invalid;
            case TaskState.Held or TaskState.Running:
                return Status.Busy;
        }

        if (!TaskTable.TryTake(handle, from, TaskState.Running))
        {
            return Status.Busy;
        }

        uint slot = handle.Slot;
        if (from == TaskState.Ended)
        {
            Wipe(slot);
            TaskTable.Put(slot, TaskState.Reserved);
            return Status.Success;
        }

        if (!EnclaveTable.TryEnter(TaskTable.At(slot).Enclave))
        {
            TaskTable.Put(slot, from);
            return Status.Stopped;
        }

        ref TaskContext context = ref TaskTable.ContextOf(slot);
        if (context.Dying == 0)
        {
            context.Dying = 1;
            context.EventBits |= TaskContext.EventDying;
        }

        if (from == TaskState.InCall)
        {
            TaskGate.SetResult(ref context, unchecked((ulong)Status.Denied), ulong.MaxValue, 0, 0);
        }

        ref CpuRecord cpu = ref CpuTable.Current;
        cpu.Current = slot + 1;
        cpu.IsInExit = 1;
        mustRun = true;
        return Status.Success;
    }

    /// <summary>Frees the slot of a reserved task, or of any task of a stopped enclave.</summary>
    /// <param name="context">the frame that is the OS's again, scrubbed</param>
    public static Status Destroy(TaskHandle handle, out PhysicalAddress context)
    {
        context = default;
        TaskState from = TaskTable.Find(handle);
        switch (from)
        {
            case TaskState.Free:
                return Status.Invalid;
            case TaskState.Held or TaskState.Running:
                return Status.Busy;
        }

        if (!TaskTable.TryTake(handle, from, TaskState.Held))
        {
            return Status.Busy;
        }

        ref TaskSlot slot = ref TaskTable.At(handle.Slot);
        LockedEnclave enclave = EnclaveTable.Lock(slot.Enclave);
        if (from != TaskState.Reserved && enclave.State == EnclaveState.Live)
        {
            TaskTable.Put(handle.Slot, from);
            return enclave.Unlock(Status.Denied);
        }

        // Nobody else ever locks a context or a bound buffer.
        FrameRange buffer = new(slot.Buffer, slot.BufferFrames);
        if (FrameTable.TryLock(new FrameRange(slot.Context, 1), FrameExpectation.Of(FrameState.Context, enclave.Index), out LockedFrames contextFrames) != Status.Success
            || FrameTable.TryLock(buffer, FrameExpectation.Buffer(enclave.Index), out LockedFrames bufferFrames) != Status.Success)
        {
            Hardware.Panic(PanicReason.TaskState);
            return enclave.Unlock(Status.Denied);
        }

        context = slot.Context.Address;
        EnclaveMemory.GiveBack(contextFrames);
        bufferFrames.Publish(FrameWord.Of(FrameState.Lent, enclave.Index));
        enclave.Data.Tasks--;
        TaskTable.Put(handle.Slot, TaskState.Free);
        return enclave.Unlock();
    }

    /// <summary>Clears the context of a task that the caller holds.</summary>
    internal static void Wipe(uint slot) => Hardware.ZeroFrame(TaskTable.At(slot).Context.Address);

    private static Status RedeemBoot(TaskHandle handle)
    {
        ref TaskSlot slot = ref TaskTable.At(handle.Slot);
        LockedEnclave enclave = EnclaveTable.Lock(slot.Enclave);
        if (enclave.State != EnclaveState.Live)
        {
            return enclave.Unlock(Status.Stopped);
        }

        if (enclave.Data.BootTicket == 0)
        {
            return enclave.Unlock(Status.Denied);
        }

        enclave.Data.BootTicket = 0;
        ref TaskContext context = ref TaskTable.ContextOf(handle.Slot);
        context = default;
        context.Registers.Pc = FrameTable.Layout.ShieldEntry.Value;
        context.Registers.Pstate = StartPstate;
        context.Registers.Sctlr = StartSctlr;
        context.Registers.General[0] = enclave.Data.MemoryBase.Value;
        context.Registers.General[1] = enclave.Data.MemoryFrames << FrameNumber.Shift;
        SetBuffer(ref context, 2, slot, handle);
        return enclave.Unlock();
    }

    private static Status Redeem(TaskHandle handle, TaskHandle parent)
    {
        // In its call (clone) all of the parent's registers are in its context.
        Status status = TryHold(parent, TaskState.InCall);
        if (status != Status.Success)
        {
            return status;
        }

        ref TaskSlot slot = ref TaskTable.At(handle.Slot);
        ref TaskContext from = ref TaskTable.ContextOf(parent.Slot);
        uint enclave = TaskTable.At(parent.Slot).Enclave;
        if (enclave != slot.Enclave || from.Ticket != TicketState.Issued)
        {
            status = Status.Denied;
        }
        else if (EnclaveTable.StateOf(enclave) != EnclaveState.Live)
        {
            status = Status.Stopped;
        }
        else
        {
            from.Ticket = TicketState.Redeemed;
            ref TaskContext context = ref TaskTable.ContextOf(handle.Slot);
            context = default;
            context.Registers = from.Registers;
            context.Registers.General = default;
            context.Registers.Pc = from.TicketEntry;
            context.Registers.Pstate = StartPstate;
            context.Registers.SpEl1 = from.TicketStack;
            context.Registers.General[0] = from.TicketArgument;
            SetBuffer(ref context, 1, slot, handle);
        }

        TaskTable.Put(parent.Slot, TaskState.InCall);
        return status;
    }

    // IPA of the buffer, its bytes, and the task's handle, in three registers.
    private static void SetBuffer(ref TaskContext context, int first, in TaskSlot slot, TaskHandle handle)
    {
        context.Registers.General[first] = IntermediateAddress.OfLent(slot.Buffer).Value;
        context.Registers.General[first + 1] = slot.BufferFrames << FrameNumber.Shift;
        context.Registers.General[first + 2] = handle.Value;
    }

    // Takes a task that must be in a state to Held.
    private static Status TryHold(TaskHandle handle, TaskState from)
    {
        TaskState state = TaskTable.Find(handle);
        if (state == TaskState.Free)
        {
            return Status.Invalid;
        }

        if (state == from)
        {
            return TaskTable.TryTake(handle, from, TaskState.Held) ? Status.Success : Status.Busy;
        }

        return state is TaskState.Held or TaskState.Running ? Status.Busy : Status.Denied;
    }
}
