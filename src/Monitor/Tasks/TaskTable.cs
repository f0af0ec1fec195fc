using System.Runtime.CompilerServices;
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

    /// <summary>The context, for the holder of the task.</summary>
    public readonly ref TaskContext Saved => ref Hardware.At<TaskContext>(Context.Address);
}

/// <summary>All tasks of all enclaves.</summary>
public static class TaskTable
{
    private const int GenerationShift = 32;

    /// <summary>The entry; its fields beside the word belong to whoever holds the task.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref TaskSlot At(uint slot) => ref Hardware.At<TaskSlot>(FrameTable.Layout.Tasks + (slot * TaskSlot.Bytes));

    /// <summary>State and generation now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TaskState StateOf(ref TaskSlot task, out uint generation)
    {
        ulong word = Hardware.Read(ref task.Word);
        generation = (uint)(word >> GenerationShift);
        return (TaskState)(word & 0xff);
    }

    /// <summary>The entry that a handle names, and its state now; Free (and any entry) if it names none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref TaskSlot Find(TaskHandle handle, out TaskState state)
    {
        bool isSlot = handle.IsWellFormed && handle.Slot < Constants.MaximumTasks;
        ref TaskSlot task = ref At(isSlot ? handle.Slot : 0);
        TaskState seen = StateOf(ref task, out uint generation);
        state = isSlot && generation == handle.Generation ? seen : TaskState.Free;
        return ref task;
    }

    /// <summary>Takes the task in state <paramref name="from"/> to Running or Held. False if it is no longer in that state.</summary>
    public static bool TryTake(ref TaskSlot task, TaskHandle handle, TaskState from, TaskState to)
    {
        ulong generation = (ulong)handle.Generation << GenerationShift;
        return Hardware.CompareExchange(ref task.Word, generation | (ulong)from, generation | (ulong)to) == (generation | (ulong)from);
    }

    /// <summary>Lets a task go that the caller has taken: all it changed becomes visible to the next who takes it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(ref TaskSlot task, TaskState to)
    {
        if (StateOf(ref task, out uint generation) is not (TaskState.Running or TaskState.Held))
        {
            Hardware.Panic("state of a task"u8);
        }

        Hardware.Write(ref task.Word, ((ulong)generation << GenerationShift) | (ulong)to);
    }

    /// <summary>Claims a free slot, state Held, with a new generation.</summary>
    public static bool TryClaim(out TaskHandle handle)
    {
        for (uint slot = 0; slot < Constants.MaximumTasks; slot++)
        {
            ref TaskSlot task = ref At(slot);
            if (StateOf(ref task, out uint generation) != TaskState.Free)
            {
                continue;
            }

            uint next = generation == uint.MaxValue ? 1 : generation + 1;
            ulong free = (ulong)generation << GenerationShift;
            if (Hardware.CompareExchange(ref task.Word, free, ((ulong)next << GenerationShift) | (ulong)TaskState.Held) == free)
            {
                handle = TaskHandle.Make(slot, next);
                return true;
            }
        }

        handle = default;
        return false;
    }
}
