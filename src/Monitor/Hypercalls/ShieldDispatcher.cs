using System.Runtime.CompilerServices;
using System;
using System.Buffers.Binary;
using BlackBox.Abi;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>What the hardware code does after an HVC of a shield.</summary>
public enum ShieldAction
{
    /// <summary>Return to the container; results are in the frame.</summary>
    Return,

    /// <summary>The same, but HCR_EL2.VI has to be set anew from TaskContext.EventBits first.</summary>
    ReturnEvents,

    /// <summary>Save the context, Leave(Call), enter the OS's vector as for SVC with x0-x5, x8 of the frame.</summary>
    OsCall,

    /// <summary>Save the context, Leave(Call), enter the OS's vector as for a data abort at the address in x0 of the frame.</summary>
    OsFault,

    /// <summary>Save the context, Leave(Switch).</summary>
    Switch,

    /// <summary>Leave(Ended).</summary>
    Ended,

    /// <summary>Leave(Stop).</summary>
    Stop,
}

/// <summary>Hypercalls of a shield: HVC #n from EL1 of a PPAS.</summary>
public static class ShieldDispatcher
{
    /// <summary>Bytes of text that Log and Stop pass on at most.</summary>
    public const int MaximumText = 200;

    private const int WrappedKeyBytes = 192;
    private const ulong ModeMask = 0xf;
    private const ulong ModeEl1 = 0x4;
    private const ulong InstructionBytes = 4;

    /// <summary>Handles one call.</summary>
    /// <param name="number">immediate of the HVC</param>
    /// <param name="cpu">this CPU's record</param>
    /// <param name="context">of the task that is current on this CPU</param>
    public static ShieldAction Handle(uint number, ref CpuRecord cpu, ref TaskContext context)
    {
        ref RegisterFile frame = ref context.Registers;
        switch ((ShieldFunction)number)
        {
            case ShieldFunction.OsCall:
                return Call(ref cpu, ref context, ref frame, ShieldAction.OsCall);
            case ShieldFunction.OsFault:
                return Call(ref cpu, ref context, ref frame, ShieldAction.OsFault);
            case ShieldFunction.EventGet:
                frame.General[0] = context.EventBits;
                frame.General[1] = context.EventNumber;
                frame.General[2] = context.EventStack;
                context.ClearEvent();
                return ShieldAction.ReturnEvents;
            case ShieldFunction.TicketIssue:
                return Return(ref frame, ShieldFunction.TicketIssue, IssueTicket(ref context, frame));
            case ShieldFunction.TicketCancel:
                return Return(ref frame, ShieldFunction.TicketCancel, CancelTicket(ref context));
            case ShieldFunction.TaskEnded:
                return End(ref cpu, ref context, ref frame);
            case ShieldFunction.AcceptMemory:
                return Return(ref frame, ShieldFunction.AcceptMemory, !FrameRange.TryDecode(frame.General[0], frame.General[1], Constants.MaximumFrames, out FrameRange range) ? Status.Invalid
                    : EnclaveMemory.Accept(cpu.Enclave, range));
            case ShieldFunction.ReleaseMemory:
                return Return(ref frame, ShieldFunction.ReleaseMemory, !FrameRange.TryDecode(frame.General[0], frame.General[1], Constants.MaximumFrames, out range) ? Status.Invalid
                    : EnclaveMemory.Release(cpu.Enclave, range));
            case ShieldFunction.Random:
                return Random(ref frame);
            case ShieldFunction.UnwrapKey:
                return Return(ref frame, ShieldFunction.UnwrapKey, UnwrapKey(cpu.Enclave, frame));
            case ShieldFunction.Attest:
                Return(ref frame, ShieldFunction.Attest, Attest(cpu.Enclave, frame.General[0], frame.General[1], out ulong length));
                frame.General[1] = length;
                return ShieldAction.Return;
            case ShieldFunction.Stop:
                WriteText(cpu.Enclave, frame.General[1], frame.General[2]);
                return ShieldAction.Stop;
            case ShieldFunction.Log:
                Audit.Refuse(AbiConstants.AuditRuleImage, cpu.Enclave, number, frame.General[2], Status.Success);
                return Return(ref frame, ShieldFunction.Log, (BootFacts.Flags & BootFacts.Development) != 0 ? WriteText(cpu.Enclave, frame.General[0], frame.General[1]) : Status.Success);
            case ShieldFunction.YieldTo:
                return YieldTo(ref cpu, ref frame);
            case ShieldFunction.YieldBack:
                frame.General[0] = 0;
                return cpu.Lender == 0 ? ShieldAction.Return : YieldBack(ref cpu);
            default:
                return Return(ref frame, (ShieldFunction)number, Status.NotSupported);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ShieldAction Call(ref CpuRecord cpu, ref TaskContext context, ref RegisterFile frame, ShieldAction action)
    {
        if (context.Dying != 0)
        {
            frame.General[0] = unchecked((ulong)Status.Denied);
            frame.General[1] = ulong.MaxValue;
            return ShieldAction.Return;
        }

        if (cpu.Lender != 0)
        {
            return RepeatLater(ref cpu, ref frame);
        }

        if (context.EventBits != 0)
        {
            // The OS's thread stands in a signal handler that the shield does not know of yet: a call that waits would wait there for
            // ever. The shield gets the signal as if the OS had come with it; x8 tells that the call was not begun.
            context.SetResult(context.EventNumber, AbiConstants.GateSignal, ulong.MaxValue, context.EventStack);
            context.ClearEvent();
            return ShieldAction.ReturnEvents;
        }

        cpu.Counters.OsCalls++;
        return action;
    }

    private static ShieldAction End(ref CpuRecord cpu, ref TaskContext context, ref RegisterFile frame)
    {
        if (context.Dying == 0)
        {
            context.Ended = 1;
            return Return(ref frame, ShieldFunction.TaskEnded, Status.Success);
        }

        return cpu.Lender != 0 ? RepeatLater(ref cpu, ref frame) : ShieldAction.Ended;
    }

    // A task on a borrowed CPU cannot use the lender's thread: its HVC is executed again when its own thread comes.
    private static ShieldAction RepeatLater(ref CpuRecord cpu, ref RegisterFile frame)
    {
        frame.Pc -= InstructionBytes;
        return YieldBack(ref cpu);
    }

    private static ShieldAction YieldBack(ref CpuRecord cpu)
    {
        cpu.Next = cpu.Lender;
        return ShieldAction.Switch;
    }

    private static ShieldAction YieldTo(ref CpuRecord cpu, ref RegisterFile frame)
    {
        TaskHandle handle = new(frame.General[0]);
        frame.General[0] = unchecked((ulong)Status.Denied);
        ref TaskSlot task = ref TaskTable.Find(handle, out TaskState state);
        if (cpu.Lender != 0 || state != TaskState.Preempted || !TaskTable.TryTake(ref task, handle, TaskState.Preempted, TaskState.Running))
        {
            return ShieldAction.Return;
        }

        bool isInShield = (task.Saved.Registers.Pstate & ModeMask & ~1UL) == ModeEl1;
        if (task.Enclave != cpu.Enclave || !isInShield || !EnclaveTable.TryEnter(ref EnclaveTable.At(task.Enclave)))
        {
            TaskTable.Put(ref task, TaskState.Preempted);
            return ShieldAction.Return;
        }

        frame.General[0] = 0;
        cpu.Next = handle.Slot + 1;
        return ShieldAction.Switch;
    }

    private static Status IssueTicket(ref TaskContext context, in RegisterFile frame)
    {
        if (context.Ticket == TicketState.Issued)
        {
            return Status.Busy;
        }

        context.Ticket = TicketState.Issued;
        context.TicketEntry = frame.General[0];
        context.TicketStack = frame.General[1];
        context.TicketArgument = frame.General[2];
        return Status.Success;
    }

    private static Status CancelTicket(ref TaskContext context)
    {
        if (context.Ticket != TicketState.Issued)
        {
            return Status.Denied;
        }

        context.Ticket = TicketState.None;
        return Status.Success;
    }

    private static ShieldAction Random(ref RegisterFile frame)
    {
        Span<byte> bytes = stackalloc byte[4 * sizeof(ulong)];
        MonitorEntropy.Fill(bytes);
        for (int i = 0; i < 4; i++)
        {
            frame.General[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(i * sizeof(ulong)));
        }

        bytes.Clear();
        return ShieldAction.Return;
    }

    // Once in the life of an enclave, together with what it will say of itself: a shield that was taken over later gets no other image's
    // key, and cannot pass for another image.
    private static Status UnwrapKey(uint enclave, in RegisterFile frame)
    {
        ulong blob = frame.General[0];
        Status status = TryLock(enclave, blob, WrappedKeyBytes, out LockedFrames frames);
        if (status != Status.Success)
        {
            return status;
        }

        ref Enclave own = ref EnclaveTable.At(enclave);
        bool isFirst = Hardware.CompareExchange(ref own.Opened, 0, 1) == 0;
        bool isOurs = isFirst && MonitorKeys.TryUnwrap(Hardware.Bytes(new PhysicalAddress(blob), WrappedKeyBytes));
        for (int i = 0; isOurs && i < Sha256.Length / sizeof(ulong); i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(((Span<byte>)own.Report).Slice(i * sizeof(ulong)), frame.General[1 + i]);
        }

        if (isFirst && !isOurs)
        {
            Hardware.Write(ref own.Opened, 0);
        }

        frames.Release();
        return isOurs ? Status.Success : Status.Denied;
    }

    // Request and result in the two halves of one frame.
    private static Status Attest(uint enclave, ulong buffer, ulong reportLength, out ulong length)
    {
        const int Half = (int)(FrameNumber.Size / 2);
        length = 0;
        LockedFrames frames = default;
        Status status = reportLength > Evidence.MaximumReport ? Status.Invalid : TryLock(enclave, buffer, 2 * Half, out frames);
        if (status != Status.Success)
        {
            return status;
        }

        Span<byte> page = Hardware.Bytes(new PhysicalAddress(buffer), 2 * Half);
        length = (ulong)Evidence.Write(page.Slice(0, Evidence.NonceBytes + (int)reportLength), EnclaveTable.At(enclave), page.Slice(Half));
        frames.Release();
        return length == 0 ? Status.Denied : status;
    }

    // A structure of the enclave's in one private frame, which then keeps its owner.
    private static Status TryLock(uint enclave, ulong address, ulong bytes, out LockedFrames frames)
    {
        ulong offset = address & (FrameNumber.Size - 1);
        frames = default;
        return address % sizeof(ulong) != 0 || offset > FrameNumber.Size - bytes || !FrameRange.TryDecode(address - offset, 1, 1, out FrameRange range) ? Status.Invalid
            : FrameTable.TryLock(range, FrameExpectation.Of(FrameState.Private, enclave), out frames);
    }

    // Text of the container for the console: copied once, reduced to printable ASCII.
    private static Status WriteText(uint enclave, ulong address, ulong length)
    {
        if (length - 1 >= MaximumText)
        {
            return Status.Invalid;
        }

        Span<byte> text = stackalloc byte[MaximumText];
        for (int i = 0; i < (int)length; i++)
        {
            PhysicalAddress at = new(address + (ulong)i);
            FrameWord word = FrameTable.Contains(at.Frame) ? FrameTable.Read(at.Frame) : default;
            bool isReadable = word.State == FrameState.ShieldImage
                || (word.State == FrameState.Private && word.Enclave == enclave && !word.IsLocked);
            if (!isReadable)
            {
                return Status.Denied;
            }

            byte value = Hardware.Bytes(at, 1)[0];
            text[i] = value is >= 0x20 and < 0x7f ? value : (byte)'.';
        }

        MonitorConsole.WriteEnclaveText(enclave, text.Slice(0, (int)length));
        return Status.Success;
    }

    private static ShieldAction Return(ref RegisterFile frame, ShieldFunction function, Status status)
    {
        // That a ticket was redeemed is what a shield asks TicketCancel for after each clone.
        if (status is not (Status.Success or Status.Busy) && function != ShieldFunction.TicketCancel)
        {
            Audit.Refuse(AbiConstants.AuditRuleShieldCall, Hardware.CurrentRecord.Enclave, (ulong)function, frame.General[0], status);
        }

        frame.General[0] = unchecked((ulong)status);
        frame.General[1] = 0;
        frame.General[2] = 0;
        frame.General[3] = 0;
        return ShieldAction.Return;
    }
}
