using System.Runtime.InteropServices;

namespace BlackBox.Monitor;

/// <summary>State of a task. Whoever moves it to Running or Held, by compare-and-exchange, is the only user of slot and context
/// until it moves it on: a task runs on one CPU at most.</summary>
public enum TaskState : uint
{
    Free = 0,

    /// <summary>In use by a hypercall on some CPU, for a bounded time.</summary>
    Held = 1,

    /// <summary>Has a context and a buffer; cannot be entered.</summary>
    Reserved = 2,

    /// <summary>Start context loaded; not yet entered.</summary>
    Ready = 3,

    /// <summary>On a CPU.</summary>
    Running = 4,

    /// <summary>Left by an interrupt, resumes where it was.</summary>
    Preempted = 5,

    /// <summary>Left by a call to the OS, resumes with its result.</summary>
    InCall = 6,

    /// <summary>Has made its last call.</summary>
    Ended = 7,
}

/// <summary>Entry of the task table.</summary>
[StructLayout(LayoutKind.Explicit, Size = (int)Bytes)]
public struct TaskSlot
{
    public const uint Bytes = 64;

    /// <summary>State in bits 0-7, generation in bits 32-63.</summary>
    [FieldOffset(0)] public ulong Word;

    /// <summary>Index of its enclave.</summary>
    [FieldOffset(8)] public uint Enclave;

    /// <summary>Frame of state Context.</summary>
    [FieldOffset(16)] public FrameNumber Context;

    /// <summary>First lent frame of the shared buffer, and their number.</summary>
    [FieldOffset(24)] public FrameNumber Buffer;
    [FieldOffset(32)] public ulong BufferFrames;
}

/// <summary>All tasks of all enclaves.</summary>
public static class TaskTable
{
    private const int GenerationShift = 32;

    /// <summary>The entry; its fields beside the word belong to whoever holds the task.</summary>
    public static ref TaskSlot At(uint slot) => ref MemoryMarshal.AsRef<TaskSlot>(Hardware.Bytes(AddressOf(slot), (int)TaskSlot.Bytes));

    /// <summary>The context of a task that the caller holds.</summary>
    public static ref TaskContext ContextOf(uint slot) => ref TaskContext.At(At(slot).Context);

    /// <summary>State and generation now.</summary>
    public static TaskState StateOf(uint slot, out uint generation)
    {
        ulong word = Hardware.ReadLong(AddressOf(slot));
        generation = (uint)(word >> GenerationShift);
        return (TaskState)(word & 0xff);
    }

    /// <summary>State of the task that a handle names; Free if there is none.</summary>
    public static TaskState Find(TaskHandle handle)
    {
        if (!handle.IsWellFormed || handle.Slot >= Constants.MaximumTasks)
        {
            return TaskState.Free;
        }

        TaskState state = StateOf(handle.Slot, out uint generation);
        return generation == handle.Generation ? state : TaskState.Free;
    }

    /// <summary>Takes the task in state <paramref name="from"/> to Running or Held. False if it is no longer in that state.</summary>
    public static bool TryTake(TaskHandle handle, TaskState from, TaskState to)
    {
        ulong generation = (ulong)handle.Generation << GenerationShift;
        return Hardware.CompareExchange(AddressOf(handle.Slot), generation | (ulong)from, generation | (ulong)to) == (generation | (ulong)from);
    }

    /// <summary>Lets a task go that the caller has taken: all it changed becomes visible to the next who takes it.</summary>
    public static void Put(uint slot, TaskState to)
    {
        TaskState old = StateOf(slot, out uint generation);
        if (old is not (TaskState.Running or TaskState.Held))
        {
            Hardware.Panic(PanicReason.TaskState);
        }

        Hardware.WriteLong(AddressOf(slot), ((ulong)generation << GenerationShift) | (ulong)to);
    }

    /// <summary>Claims a free slot, state Held, with a new generation.</summary>
    public static bool TryClaim(out TaskHandle handle)
    {
        for (uint slot = 0; slot < Constants.MaximumTasks; slot++)
        {
            if (StateOf(slot, out uint generation) != TaskState.Free)
            {
                continue;
            }

            uint next = generation == uint.MaxValue ? 1 : generation + 1;
            ulong free = (ulong)generation << GenerationShift;
            if (Hardware.CompareExchange(AddressOf(slot), free, ((ulong)next << GenerationShift) | (ulong)TaskState.Held) == free)
            {
                handle = TaskHandle.Make(slot, next);
                return true;
            }
        }

        handle = default;
        return false;
    }

    /// <summary>Handle of a task that the caller holds.</summary>
    public static TaskHandle HandleOf(uint slot)
    {
        StateOf(slot, out uint generation);
        return TaskHandle.Make(slot, generation);
    }

    private static PhysicalAddress AddressOf(uint slot) => FrameTable.Layout.Tasks + (slot * TaskSlot.Bytes);
}
