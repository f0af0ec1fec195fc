using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>State of a one-shot ticket.</summary>
public enum TicketState : ulong
{
    None = 0,
    Issued = 1,
    Redeemed = 2,
}

/// <summary>What a context frame holds: the container side of one task. Only the CPU that moved the task's state word to
/// Running or Held reads or writes it.</summary>
[StructLayout(LayoutKind.Explicit, Size = (int)FrameNumber.Size)]
public struct TaskContext
{
    /// <summary>Event bits of EventGet: a signal frame of the OS is outstanding.</summary>
    public const ulong EventSignal = 1;

    /// <summary>Event bits of EventGet: the thread is dead, finish and call TaskEnded.</summary>
    public const ulong EventDying = 2;

    [FieldOffset(0)] public RegisterFile Registers;

    /// <summary>Events not yet fetched; not zero: the virtual interrupt is raised (HCR_EL2.VI).</summary>
    [FieldOffset(0x480)] public ulong EventBits;

    /// <summary>x0 and SP with which the OS came to GateSignal while the task was preempted.</summary>
    [FieldOffset(0x488)] public ulong EventNumber;
    [FieldOffset(0x490)] public ulong EventStack;

    /// <summary>1 since TaskExit found the thread dead before the shield had finished: no call to the OS any more.</summary>
    [FieldOffset(0x498)] public ulong Dying;

    /// <summary>1 since the shield declared the end: its next call to the OS is the last.</summary>
    [FieldOffset(0x4a0)] public ulong Ended;

    /// <summary>1 since TaskExec: the pending call ends with 0 whatever the OS says.</summary>
    [FieldOffset(0x4a8)] public ulong Executed;

    [FieldOffset(0x4b0)] public TicketState Ticket;
    [FieldOffset(0x4b8)] public ulong TicketEntry;
    [FieldOffset(0x4c0)] public ulong TicketStack;
    [FieldOffset(0x4c8)] public ulong TicketArgument;

    /// <summary>The shield has the event.</summary>
    public void ClearEvent()
    {
        EventBits = 0;
        EventNumber = 0;
        EventStack = 0;
    }

    /// <summary>What OsCall returns to the shield.</summary>
    public void SetResult(ulong x0, ulong offset, ulong x8, ulong sp)
    {
        Registers.General[0] = x0;
        Registers.General[1] = offset;
        Registers.General[2] = x8;
        Registers.General[3] = sp;
    }
}
