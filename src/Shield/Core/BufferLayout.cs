using BlackBox.Abi;

namespace BlackBox.Shield;

/// <summary>Offsets in a task's shared buffer (BufferHeader of src/Abi/abi.json) and other numbers of the interfaces.</summary>
internal static class BufferLayout
{
    public const int HeaderSize = (int)AbiConstants.BufferHeaderSize;

    public const int BufferAddress = BufferHeader.Offsets.BufferAddress;
    public const int GateAddress = BufferHeader.Offsets.GateAddress;
    public const int ServiceAddress = BufferHeader.Offsets.ServiceAddress;
    public const int MirrorAddress = BufferHeader.Offsets.MirrorAddress;
    public const int MirrorFrame = BufferHeader.Offsets.MirrorFrame;
    public const int Index = BufferHeader.Offsets.Index;
    public const int ThreadId = BufferHeader.Offsets.ThreadId;
    public const int Operation = BufferHeader.Offsets.Operation;
    public const int Argument0 = BufferHeader.Offsets.Argument0;
    public const int Argument1 = BufferHeader.Offsets.Argument1;
    public const int Argument2 = BufferHeader.Offsets.Argument2;
    public const int Argument3 = BufferHeader.Offsets.Argument3;
    public const int Result = BufferHeader.Offsets.Result;
    public const int RangeCount = BufferHeader.Offsets.RangeCount;
    public const int ExecArgumentCount = BufferHeader.Offsets.ExecArgumentCount;
    public const int ExecEnvironmentCount = BufferHeader.Offsets.ExecEnvironmentCount;
    public const int ExecStringBytes = BufferHeader.Offsets.ExecStringBytes;
    public const int StackLimit = BufferHeader.Offsets.StackLimit;
    public const int SignalStack = BufferHeader.Offsets.SignalStack;
    public const int SignalStackSize = BufferHeader.Offsets.SignalStackSize;

    /// <summary>FrameRange entries: address, count.</summary>
    public const int Ranges = BufferHeader.Offsets.Ranges;
    public const int MaxRanges = BufferHeader.RangesArray.Count;

    /// <summary>Address bit of lent frames in the PPAS.</summary>
    public const ulong LentBit = AbiConstants.LentBit;

    public const ulong GateDone = AbiConstants.GateDone;
    public const ulong GateResume = AbiConstants.GateResume;
    public const ulong GateSignal = AbiConstants.GateSignal;

    /// <summary>Where an OS call of a dying task "came back".</summary>
    public const ulong GateNever = ulong.MaxValue;

    /// <summary>Bits of the pending event (EventGet).</summary>
    public const ulong EventSignal = 1;
    public const ulong EventDying = 2;
}

/// <summary>Requests of a shield to the module.</summary>
internal enum Service : ulong
{
    Grant = ServiceOperation.Grant,
    Reclaim = ServiceOperation.Reclaim,
    ReserveTask = ServiceOperation.ReserveTask,
    CancelTask = ServiceOperation.CancelTask,
    PinFile = ServiceOperation.PinFile,
    UnpinFile = ServiceOperation.UnpinFile,
    ReadFile = ServiceOperation.ReadFile,
    WriteFile = ServiceOperation.WriteFile,

    /// <summary>Only by a dying task: <see cref="WakeSet.Leave"/>.</summary>
    WakeTasks = ServiceOperation.WakeTasks,
}

/// <summary>Status of a hypercall.</summary>
internal static class Status
{
    public const long Success = (long)Abi.Status.Success;
    public const long Invalid = (long)Abi.Status.Invalid;
    public const long Denied = (long)Abi.Status.Denied;
    public const long Busy = (long)Abi.Status.Busy;
}
