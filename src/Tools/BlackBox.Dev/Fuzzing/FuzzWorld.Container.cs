using BlackBox.Abi;
using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Fuzzing;

internal sealed partial class FuzzWorld
{
    private int PerformContainer(SimulatedCpu cpu, in Step step)
    {
        ulong frame = Names.Frame(step.Frame);
        ulong task = TaskOf(cpu);
        Tag(ref cpu.Container);
        switch (step.Kind)
        {
            case StepKind.Interrupt:
                cpu.Interrupt();
                return (int)cpu.LastDeparture.Kind;
            case StepKind.ShieldWrite:
                WriteAsContainer(cpu, step);
                return 0;
            case StepKind.TicketIssue:
                return IssueTicket(cpu, step, task);
            case StepKind.TicketCancel:
                return CancelTicket(cpu, step, task);
            case StepKind.UnwrapKey:
                return Answer(cpu, step, frame + ((ulong)(step.X % 3) * 100), 0);
            case StepKind.Attest or StepKind.Log or StepKind.AcceptMemory or StepKind.ReleaseMemory:
                return Answer(cpu, step, frame, step.Count);
            case StepKind.Stop:
                return (int)Shield(cpu, step, 1, frame, step.Count);
            case StepKind.YieldTo:
                return (int)Shield(cpu, step, Ghost.TaskHandle(step.Task2));
            case StepKind.OtherShieldCall:
                return Answer(cpu, step, frame, step.Count);
            default:
                return (int)Shield(cpu, step, frame, step.Count, (ulong)step.X);
        }
    }

    private ShieldAction Shield(SimulatedCpu cpu, in Step step, ulong x0 = 0, ulong x1 = 0, ulong x2 = 0)
    {
        Calls++;
        uint number = step.Kind == StepKind.OtherShieldCall ? 16 + ((uint)step.X * 3) : (uint)(step.Kind - StepKind.OsCall + 1);
        return cpu.Shield(number, x0, x1, x2);
    }

    // A call that answers and stays.
    private int Answer(SimulatedCpu cpu, in Step step, ulong x0, ulong x1, ulong x2 = 0)
    {
        long entries = Machine.EntryWrites;
        ShieldAction action = Shield(cpu, step, x0, x1, x2);
        Require(action == ShieldAction.Return, $"{step.Kind} led to {action}");
        var status = (Status)cpu.Container.General[0];
        Require(Documented.Allows(step.Kind, status), $"{step.Kind} answers {status}, which is not documented for it");
        Require(IsTogether || entries == Machine.EntryWrites || status == Status.Success, $"{step.Kind} answers {status} and has changed a table");
        return Outcome(status);
    }

    private int IssueTicket(SimulatedCpu cpu, in Step step, ulong handle)
    {
        ulong entry = 0x1000 + (ulong)step.X;
        ulong stack = 0x2000 + (ulong)step.X;
        ulong argument = 0x3000 + step.Count;
        int outcome = Answer(cpu, step, entry, stack, argument);
        if (outcome == 0)
        {
            ref GhostTask task = ref Ghost.FindTask(handle);
            Require(task.TicketsIssued == task.TicketsGone, $"a second ticket was issued beside one that is out");
            task.TicketsIssued++;
            (task.Entry, task.Stack, task.Argument) = (entry, stack, argument);
        }

        return outcome;
    }

    private int CancelTicket(SimulatedCpu cpu, in Step step, ulong handle)
    {
        int outcome = Answer(cpu, step, 0, 0);
        if (outcome == 0)
        {
            ref GhostTask task = ref Ghost.FindTask(handle);
            task.TicketsGone++;
            Require(task.TicketsGone <= task.TicketsIssued, $"a ticket was withdrawn that was redeemed, or none");
        }

        return outcome;
    }

    // The container writes into a frame that it has.
    private void WriteAsContainer(SimulatedCpu cpu, in Step step)
    {
        CpuRecord record = Machine.PeekArray<CpuRecord>(Machine.RecordAddress + ((ulong)cpu.Index * CpuRecord.Bytes), 1)[0];
        FrameWord word = step.Frame < Names.Special ? WordOf(step.Frame) : default;
        if (step.Frame < Names.Special && Machine.Tables.MayReach(record.Enclave + 1, Names.Frame(step.Frame), word.Enclave))
        {
            Machine.Scribble(Names.Frame(step.Frame), (byte)(step.X | 1));
            if (step.X % 7 == 0 && word.State == FrameState.Private)
            {
                Machine.Bytes(Names.Frame(step.Frame), 1)[0] = 0xa5; // UnwrapKey takes it for a key of ours
            }
        }
    }

    private ulong TaskOf(SimulatedCpu cpu)
    {
        uint slot = Machine.PeekWord(Machine.RecordAddress + ((ulong)cpu.Index * CpuRecord.Bytes)) - 1;
        ulong word = Machine.PeekLong(FrameTable.Layout.Tasks.Value + (slot * TaskSlot.Bytes));
        return slot | (word >> 32 << 16);
    }
}
