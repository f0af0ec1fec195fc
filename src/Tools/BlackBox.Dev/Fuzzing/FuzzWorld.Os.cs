using BlackBox.Abi;
using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Fuzzing;

internal sealed partial class FuzzWorld
{
    private static readonly ulong[] Offsets = [AbiConstants.GateResume, AbiConstants.GateDone, AbiConstants.GateSignal, 8];

    private int PerformOs(SimulatedCpu cpu, in Step step)
    {
        ulong enclave = Ghost.EnclaveHandle(step.Enclave);
        ulong task = Ghost.TaskHandle(step.Task);
        ulong frame = Names.Frame(step.Frame);
        switch (step.Kind)
        {
            case StepKind.CreateEnclave:
                return CreateEnclave(cpu, step);
            case StepKind.DestroyEnclave:
                return DestroyEnclave(cpu, step, enclave);
            case StepKind.DonateTables or StepKind.GrantMemory or StepKind.SharePages or StepKind.UnsharePages or StepKind.ReclaimMemory:
                ScribbleOwned(step);
                return OfEnclave(cpu, step, enclave, frame, step.Count);
            case StepKind.TaskCreate:
                return CreateTask(cpu, step, enclave);
            case StepKind.TaskClone:
                return Clone(cpu, step, task, Ghost.TaskHandle(step.Task2));
            case StepKind.TaskExec or StepKind.TaskExit or StepKind.TaskDestroy:
                return OfTask(cpu, step, task);
            case StepKind.Statistics:
                return Statistics(cpu, step, enclave, frame);
            case StepKind.Gate:
                return Gate(cpu, step, task);
            case StepKind.OsWrite:
                WriteAsOs(step.Frame, (byte)step.X);
                return 0;
            case StepKind.OtherOsCall:
                return Outcome(Call(cpu, step, 0xc600_000e + ((ulong)step.X * 7), enclave, frame, step.Count));
            default:
                return Outcome(Call(cpu, step, (ulong)OsFunction.Version, enclave, frame, step.Count));
        }
    }

    // A call, and what holds for all of them.
    private Status? Call(SimulatedCpu cpu, in Step step, ulong function, ulong x1 = 0, ulong x2 = 0, ulong x3 = 0, ulong x4 = 0, ulong x5 = 0)
    {
        Calls++;
        long entries = Machine.EntryWrites;
        Status? status = cpu.Hypercall(function, x1, x2, x3, x4, x5);
        if (status is not { } known)
        {
            Require(step.Kind == StepKind.TaskExit, $"{step.Kind} ran a task");
            return null;
        }

        Require(Documented.Allows(step.Kind, known), $"{step.Kind} answers {known}, which is not documented for it");
        Require(IsTogether || entries == Machine.EntryWrites || known is Status.Success or Status.Again, $"{step.Kind} answers {known} and has changed a table");
        for (int i = 6; i < 31; i++)
        {
            Require(cpu.Os.General[i] == OsPattern + (ulong)i, $"{step.Kind} changed x{i} of the OS");
        }

        return known;
    }

    private static ulong FunctionOf(StepKind kind) => OsDispatcher.Base + (ulong)kind;

    private int OfEnclave(SimulatedCpu cpu, in Step step, ulong enclave, ulong frame, ulong count)
    {
        bool wasKnown = Ghost.IsEnclave(enclave);
        Status? status = Call(cpu, step, FunctionOf(step.Kind), enclave, frame, count);
        RequireKnown(step, status, wasKnown || Ghost.IsEnclave(enclave), WasEnclave(enclave));
        return Outcome(status);
    }

    // A handle that names nothing, and did not when the call began. One that was never given out may be of an object that another CPU is
    // creating right now.
    private void RequireKnown(in Step step, Status? status, bool isKnown, bool wasEver) =>
        Require(isKnown || status == Status.Invalid || (IsTogether && !wasEver), $"{step.Kind} answers {status} for a handle that names nothing");

    private bool WasEnclave(ulong handle) => Ghost.FindEnclave(handle).Handle != 0;

    private bool WasTask(ulong handle) => Ghost.FindTask(handle).Handle != 0;

    private int CreateEnclave(SimulatedCpu cpu, in Step step)
    {
        int place = step.Enclave % Names.Enclaves;
        ulong odd = Names.Frame(step.Frame);
        ulong root = step.X == 1 ? odd : Names.Frame(Names.Root(place));
        ulong memory = step.X == 2 ? odd : Names.Frame(Names.Memory(place));
        ulong tables = step.X == 3 ? odd : Names.Frame(Names.Tables(place));
        ulong frames = step.X == 4 ? step.Count : 256;
        ulong count = step.X == 5 ? step.Count : Names.TableFrames;
        Status? status = Call(cpu, step, FunctionOf(step.Kind), root, memory, frames, tables, count);
        if (status == Status.Success)
        {
            Ghost.AddEnclave(cpu.Os.General[1], place);
        }

        return Outcome(status) | (step.X << 6);
    }

    private int DestroyEnclave(SimulatedCpu cpu, in Step step, ulong enclave)
    {
        bool wasKnown = Ghost.IsEnclave(enclave);
        Status? status = Call(cpu, step, FunctionOf(step.Kind), enclave);
        RequireKnown(step, status, wasKnown || Ghost.IsEnclave(enclave), WasEnclave(enclave));
        if (status == Status.Success)
        {
            Require(cpu.Os.General[1] == 0, $"an enclave is gone with {cpu.Os.General[1]} frames");
            Ghost.RemoveEnclave(enclave);
        }

        return Outcome(status);
    }

    private int CreateTask(SimulatedCpu cpu, in Step step, ulong enclave)
    {
        int place = step.Task % Names.Tasks;
        ulong context = Names.Frame((step.X & 1) != 0 ? step.Frame : Names.Context(place));
        ulong buffer = Names.Frame((step.X & 2) != 0 ? step.Frame2 : Names.Buffer(place));
        ulong frames = (step.X & 4) != 0 ? step.Count : 2;
        bool wasKnown = Ghost.IsEnclave(enclave);
        if ((step.X & 8) != 0)
        {
            // As the module does it: lend a buffer, then reserve the task.
            Call(cpu, step with { Kind = StepKind.SharePages }, (ulong)OsFunction.SharePages, enclave, buffer, frames);
        }

        Status? status = Call(cpu, step, FunctionOf(step.Kind), enclave, context, buffer, frames);
        RequireKnown(step, status, wasKnown || Ghost.IsEnclave(enclave), WasEnclave(enclave));
        if (status == Status.Success)
        {
            ulong handle = cpu.Os.General[1];
            Ghost.AddTask(handle, enclave, place);
            _leftAs[(int)new TaskHandle(handle).Slot % MaximumSlots] = LeftState.Nowhere;
        }

        return Outcome(status) | ((step.X & 7) << 6);
    }

    private int Clone(SimulatedCpu cpu, in Step step, ulong child, ulong parent)
    {
        bool wasKnown = Ghost.IsTask(child);
        Status? status = Call(cpu, step, FunctionOf(step.Kind), child, parent);
        RequireKnown(step, status, wasKnown || Ghost.IsTask(child), WasTask(child));
        if (status != Status.Success)
        {
            return Outcome(status);
        }

        if (!WasTask(child) || (parent != 0 && !WasTask(parent)))
        {
            return 0; // a good guess; see RequireKnown
        }

        ref GhostTask task = ref Ghost.FindTask(child);
        if (parent == 0)
        {
            ref GhostEnclave enclave = ref Ghost.FindEnclave(task.Enclave);
            Require(!enclave.IsBootTicketUsed, $"an enclave's first task was started twice");
            enclave.IsBootTicketUsed = true;
            return 0;
        }

        ref GhostTask from = ref Ghost.FindTask(parent);
        Require(from.Enclave == task.Enclave, $"a task was cloned from one of another enclave");
        from.TicketsGone++;
        Require(from.TicketsGone <= from.TicketsIssued, $"a ticket was redeemed twice, or none");
        if (!IsTogether)
        {
            CheckChild(child, task, from);
        }

        return 0;
    }

    // The child starts in exactly the state that the ticket names.
    private void CheckChild(ulong handle, in GhostTask task, in GhostTask from)
    {
        TaskSlot slot = Machine.PeekArray<TaskSlot>(FrameTable.Layout.Tasks.Value, MaximumSlots)[(int)new TaskHandle(handle).Slot];
        TaskSlot parent = Machine.PeekArray<TaskSlot>(FrameTable.Layout.Tasks.Value, MaximumSlots)[(int)new TaskHandle(from.Handle).Slot];
        TaskContext context = Machine.PeekArray<TaskContext>(slot.Context.Address.Value, 1)[0];
        RegisterFile wanted = Machine.PeekArray<TaskContext>(parent.Context.Address.Value, 1)[0].Registers;
        wanted.General = default;
        wanted.General[0] = from.Argument;
        wanted.General[1] = slot.Buffer.Address.Value | AbiConstants.LentBit;
        wanted.General[2] = slot.BufferFrames * FrameNumber.Size;
        wanted.General[3] = task.Handle;
        wanted.Pc = from.Entry;
        wanted.SpEl1 = from.Stack;
        wanted.Pstate = 0x3c5;
        Require(Bytes(ref context.Registers).SequenceEqual(Bytes(ref wanted)), $"the child starts in another state than the ticket names");
        Require((context.EventBits | context.Dying | context.Ended | context.Executed | (ulong)context.Ticket) == 0, $"the child starts with events");
    }

    private int OfTask(SimulatedCpu cpu, in Step step, ulong task)
    {
        bool wasKnown = Ghost.IsTask(task);
        Status? status = Call(cpu, step, FunctionOf(step.Kind), task);
        RequireKnown(step, status, wasKnown || Ghost.IsTask(task), WasTask(task));
        if (status == Status.Success && step.Kind == StepKind.TaskDestroy)
        {
            Ghost.RemoveTask(task);
        }

        return Outcome(status);
    }

    private int Gate(SimulatedCpu cpu, in Step step, ulong task)
    {
        bool wasKnown = Ghost.IsTask(task);
        bool wasInCall = wasKnown && StateOf(task) == TaskState.InCall;
        ulong offset = Offsets[step.X & 3];
        (ulong x0, ulong x8) = ((ulong)step.X * 11, (ulong)step.X * 13);
        bool isIn = cpu.Gate(task, offset, x0, x8, step.Count);
        Require(!isIn || wasKnown || Ghost.IsTask(task) || (IsTogether && !WasTask(task)), $"the gate let in a handle that names nothing");
        if (isIn && wasInCall && !IsTogether)
        {
            ref RegisterFile registers = ref cpu.Container;
            Require(registers.General[2] == x8 && registers.General[3] == step.Count
                && ((registers.General[0] == x0 && registers.General[1] == offset) || (registers.General[0] == 0 && registers.General[1] == AbiConstants.GateDone)),
                $"a call came back with another result than the OS gave");
        }

        return (int)cpu.LastEntry | ((step.X & 3) << 3);
    }

    // What the OS gives away is not zero; nothing makes it so until somebody scrubs it.
    private void ScribbleOwned(in Step step)
    {
        if (IsTogether || step.Kind is not (StepKind.GrantMemory or StepKind.DonateTables) || step.Frame >= Names.Special || step.X == 0 || step.Count > 8)
        {
            return;
        }

        for (uint i = step.Frame; i < step.Frame + step.Count; i++)
        {
            if (WordOf(i).State == FrameState.Os)
            {
                Machine.Scribble(Names.Frame(i), (byte)step.X);
            }
        }
    }

    private void WriteAsOs(uint frame, byte value)
    {
        if (frame < Names.Special && Machine.Tables.MayReach(0, Names.Frame(frame), 0))
        {
            Machine.Scribble(Names.Frame(frame), value);
        }
    }

    /// <summary>The word of a frame of the OS's RAM.</summary>
    public FrameWord WordOf(uint frame)
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        ulong index = SimulatedSystem.FirstBlock.Value - layout.Ram.First.Value + frame;
        return index < layout.Ram.Count ? new FrameWord(Machine.PeekWord(layout.FrameWords.Value + (index * sizeof(uint)))) : default;
    }

    // Counters add up: the report against the frame table.
    private int Statistics(SimulatedCpu cpu, in Step step, ulong enclave, ulong frame)
    {
        bool wasKnown = step.X % 4 != 1 || Ghost.IsEnclave(enclave);
        Status? status = Call(cpu, step, FunctionOf(step.Kind), (ulong)(step.X % 4), enclave, frame);
        RequireKnown(step, status, wasKnown || Ghost.IsEnclave(enclave), WasEnclave(enclave));
        if (status == Status.Success && step.X % 4 == 0 && !IsTogether)
        {
            ReadOnlySpan<ulong> report = Machine.PeekArray<ulong>(frame, 8);
            ref readonly MonitorLayout layout = ref FrameTable.Layout;
            Span<uint> counts = stackalloc uint[16];
            foreach (uint word in Machine.PeekArray<uint>(layout.FrameWords.Value, (int)layout.Ram.Count))
            {
                counts[(int)new FrameWord(word).State]++;
            }

            uint owned = counts[(int)FrameState.Granted] + counts[(int)FrameState.Private] + counts[(int)FrameState.Released];
            uint tables = counts[(int)FrameState.Table] + counts[(int)FrameState.Context];
            uint monitor = counts[(int)FrameState.Monitor] + counts[(int)FrameState.Published] + counts[(int)FrameState.ShieldImage];
            Require(
                report[0] == layout.Ram.Count && report[1] == counts[(int)FrameState.Os] + counts[(int)FrameState.Lent] && report[2] == monitor
                    && report[3] == owned && report[4] == tables && report[5] == counts[(int)FrameState.Lent] && report[7] == counts[(int)FrameState.Context],
                $"the counters do not add up");
        }

        return Outcome(status) | ((step.X % 4) << 6);
    }
}
