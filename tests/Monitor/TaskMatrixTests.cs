using BlackBox.Abi;
using BlackBox.Simulation;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>Every state of a task times every operation on it, in a live, a stopped and a dead enclave.</summary>
public sealed class TaskMatrixTests(ITestOutputHelper output)
{
    private const string Abort = "abort";
    private const string Enters = "enters";
    private const string Runs = "runs";

    private enum Subject
    {
        Free, Reserved, Ready, Running, PreemptedShield, PreemptedUser, InCall, Ended, Dying, OtherPreempted,
    }

    private enum Operation
    {
        CloneBoot, CloneParent, Exec, Exit, Destroy, GateResume, GateDone, GateSignal, GateElsewhere, YieldTo,
    }

    private readonly Dictionary<Subject, ulong> _tasks = [];
    private TestBed _bed = null!;
    private ulong _enclave;
    private ulong _parent;

    [Theory]
    [InlineData("live")]
    [InlineData("stopped")]
    [InlineData("dead")]
    public void Task_states(string life)
    {
        int legal = 0;
        int illegal = 0;
        Prepare(life);
        foreach (Subject subject in Enum.GetValues<Subject>())
        {
            foreach (Operation operation in Enum.GetValues<Operation>())
            {
                if (life == "dead" && (subject == Subject.Running || operation == Operation.YieldTo))
                {
                    continue; // nothing runs
                }

                string expected = Expected(subject, operation, life);
                byte[] before = Memory();
                string actual = Perform(operation, _tasks[subject]);
                Assert.True(expected == actual, $"{operation} of {subject} ({life}): {actual}, expected {expected}");
                Invariants.Check(_bed.System);
                if (expected is "Success" or Enters or Runs)
                {
                    legal++;
                    Prepare(life);
                }
                else
                {
                    illegal++;
                    Assert.True(before.AsSpan().SequenceEqual(Memory()), $"{operation} of {subject} ({life}) was refused and changed memory");
                }
            }
        }

        output.WriteLine($"{life}: {legal} legal pairs, {illegal} refused");
    }

    private static string Expected(Subject subject, Operation operation, string life)
    {
        bool isLive = life == "live";
        bool isOther = subject == Subject.OtherPreempted; // of a live enclave in any case
        switch (operation)
        {
            case Operation.CloneBoot or Operation.CloneParent:
                return subject switch
                {
                    Subject.Free => "Invalid",
                    Subject.Running => "Busy",
                    Subject.Reserved => !isLive ? "Stopped" : operation == Operation.CloneBoot ? "Denied" : "Success",
                    _ => "Denied",
                };
            case Operation.Exec:
                return subject switch
                {
                    Subject.Free => "Invalid",
                    Subject.Running => "Busy",
                    Subject.InCall => isLive ? "Success" : "Stopped",
                    _ => "Denied",
                };
            case Operation.Exit:
                return subject switch
                {
                    Subject.Free or Subject.Reserved => "Invalid",
                    Subject.Running => "Busy",
                    Subject.Ended => "Success",
                    _ => isLive || isOther ? Runs : "Stopped",
                };
            case Operation.Destroy:
                return subject switch
                {
                    Subject.Free => "Invalid",
                    Subject.Running => "Busy",
                    Subject.Reserved => "Success",
                    _ => isLive || isOther ? "Denied" : "Success",
                };
            case Operation.GateResume or Operation.GateDone or Operation.GateSignal:
                return isOther || (isLive && subject is Subject.Ready or Subject.PreemptedShield or Subject.PreemptedUser or Subject.InCall && isLive) ? Enters : Abort;
            case Operation.GateElsewhere:
                return Abort;
            default:
                return isLive && subject is Subject.PreemptedShield or Subject.Dying && isLive ? Runs : "Denied";
        }
    }

    private string Perform(Operation operation, ulong task)
    {
        SimulatedCpu os = _bed.Cpu2;
        switch (operation)
        {
            case Operation.CloneBoot:
                return os.Hypercall(9, task, 0)!.Value.ToString();
            case Operation.CloneParent:
                return os.Hypercall(9, task, _parent)!.Value.ToString();
            case Operation.Exec:
                return os.Hypercall(10, task)!.Value.ToString();
            case Operation.Exit:
                return os.Hypercall(11, task) is { } status ? status.ToString() : Runs;
            case Operation.Destroy:
                return os.Hypercall(12, task)!.Value.ToString();
            case Operation.YieldTo:
                RegisterFile saved = _bed.Cpu.Container;
                if (_bed.Cpu.Shield(13, task) == ShieldAction.Switch)
                {
                    return Runs;
                }

                string result = ((Status)_bed.Cpu.Container.General[0]).ToString();
                _bed.Cpu.Container = saved;
                return result;
            default:
                ulong offset = operation switch { Operation.GateResume => 0, Operation.GateDone => 4, Operation.GateSignal => 0x100, _ => 0x104UL };
                return os.Gate(task, offset, 1, 2, 3) ? Enters : Abort;
        }
    }

    // One enclave with a task in each state, the running one on the first CPU; another enclave with a preempted task.
    private void Prepare(string life)
    {
        _bed = new TestBed();
        (_, _tasks[Subject.OtherPreempted]) = _bed.Enter(1);
        _bed.Cpu.Interrupt();
        (_enclave, ulong first) = _bed.Enter();
        ulong next = 1;
        foreach (Subject subject in new[] { Subject.Ready, Subject.PreemptedShield, Subject.PreemptedUser, Subject.InCall, Subject.Ended, Subject.Dying, Subject.Running })
        {
            _tasks[subject] = _bed.Fork(_enclave, first, next++);
            Assert.True(_bed.Gate(first, AbiConstants.GateDone));
        }

        _parent = first;
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.TicketIssue));
        _bed.Shield(ShieldFunction.OsCall);
        Leave(Subject.PreemptedShield, () => _bed.Cpu.Interrupt());
        Leave(Subject.PreemptedUser, () => _bed.Cpu.Interrupt());
        ContextOf(_tasks[Subject.PreemptedUser]).Registers.Pstate = 0;
        Leave(Subject.InCall, () => _bed.Shield(ShieldFunction.OsCall));
        Leave(Subject.Ended, () =>
        {
            _bed.ShieldStatus(ShieldFunction.TaskEnded);
            _bed.Shield(ShieldFunction.OsCall);
        });
        Leave(Subject.Dying, () => _bed.Cpu.Interrupt());
        Assert.Null(_bed.Cpu.Hypercall(11, _tasks[Subject.Dying]));
        _bed.Cpu.Interrupt();
        _tasks[Subject.Reserved] = _bed.CreateTask(_enclave, next++);
        _tasks[Subject.Free] = _bed.CreateTask(_enclave, next);
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskDestroy, _tasks[Subject.Free]));
        Assert.True(_bed.Gate(_tasks[Subject.Running]));
        if (life != "live")
        {
            Assert.Equal(Status.Busy, _bed.Call2(OsFunction.DestroyEnclave, _enclave));
        }

        if (life == "dead")
        {
            _bed.Cpu.Interrupt();
            Assert.Equal(Status.Again, _bed.Call2(OsFunction.DestroyEnclave, _enclave));
        }
    }

    private void Leave(Subject subject, Action how)
    {
        Assert.True(_bed.Gate(_tasks[subject]));
        how();
    }

    private byte[] Memory()
    {
        byte[] copy = _bed.Machine.Peek(SimulatedSystem.RamBase, (int)_bed.Machine.RamBytes).ToArray();
        copy.AsSpan((int)(_bed.Machine.RecordAddress - SimulatedSystem.RamBase), (int)(Constants.MaximumCpus * CpuRecord.Bytes)).Clear();
        copy.AsSpan((int)(FrameTable.Layout.AuditFrame.Address.Value - SimulatedSystem.RamBase), (int)FrameNumber.Size).Clear();
        return copy;
    }
}
