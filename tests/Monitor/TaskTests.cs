using BlackBox.Abi;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>By example: the life of tasks, the gate, calls of the shield.</summary>
public sealed class TaskTests
{
    private readonly TestBed _bed = new();

    [Fact]
    public void The_first_task_starts_at_the_shields_entry_once()
    {
        (ulong enclave, ulong task) = _bed.Enter();
        ref RegisterFile registers = ref _bed.Cpu.Container;
        Assert.Equal(FrameTable.Layout.ShieldEntry.Value, registers.Pc);
        Assert.Equal(0x3c5u, registers.Pstate);
        Assert.Equal(0u, registers.Sctlr & 1);
        Assert.Equal(F(0), registers.General[0]);
        Assert.Equal(1UL << 20, registers.General[1]);
        Assert.Equal(F(Buffer(0)) | AbiConstants.LentBit, registers.General[2]);
        Assert.Equal(8192u, registers.General[3]);
        Assert.Equal(task, registers.General[4]);
        _bed.Cpu.Interrupt();
        ulong second = _bed.CreateTask(enclave, 1);
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskClone, second, 0));
    }

    [Fact]
    public void Task_create_refuses_wrong_frames()
    {
        ulong enclave = _bed.CreateEnclave();
        Assert.Equal(Status.Success, _bed.Call(OsFunction.SharePages, enclave, F(600), 4));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskCreate, enclave, F(0), F(600), 2));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskCreate, enclave, F(700), F(603), 2));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.TaskCreate, enclave, F(601), F(600), 2));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskCreate, enclave, F(602), F(600), 2));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.TaskCreate, enclave, F(700), F(600), 1));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.TaskCreate, enclave, F(700), F(600), 65));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.TaskCreate, enclave, F(700) + 8, F(600), 2));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskCreate, enclave, F(700), F(600), 2));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskCreate, enclave, F(701), F(600), 2)); // the buffer is taken
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.UnsharePages, enclave, F(600), 1));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.UnsharePages, enclave, F(602), 2));
    }

    [Fact]
    public void A_call_returns_what_the_os_said()
    {
        (_, ulong task) = _bed.Enter();
        Assert.Equal(ShieldAction.OsCall, _bed.Shield(ShieldFunction.OsCall, 1, 2, 3));
        Assert.Equal(TaskState.InCall, StateOf(task));
        Assert.True(_bed.Gate(task, AbiConstants.GateDone, 42, 64, 0x7000));
        Assert.Equal(42u, _bed.Cpu.Container.General[0]);
        Assert.Equal(AbiConstants.GateDone, _bed.Cpu.Container.General[1]);
        Assert.Equal(64u, _bed.Cpu.Container.General[2]);
        Assert.Equal(0x7000u, _bed.Cpu.Container.General[3]);
        Assert.Equal(ShieldAction.OsFault, _bed.Shield(ShieldFunction.OsFault, 0x1000));
        Assert.True(_bed.Gate(task, AbiConstants.GateSignal, 15, 98, 0x6000));
        Assert.Equal(15u, _bed.Cpu.Container.General[0]);
        Assert.Equal(AbiConstants.GateSignal, _bed.Cpu.Container.General[1]);
    }

    [Fact]
    public void The_gate_refuses_what_is_not_there_or_elsewhere()
    {
        (ulong enclave, ulong task) = _bed.Start();
        ulong reserved = _bed.CreateTask(enclave, 1);
        Assert.False(_bed.Gate(reserved));
        Assert.False(_bed.Gate(0));
        Assert.False(_bed.Gate(ulong.MaxValue));
        Assert.False(_bed.Gate(task + (1 << 16)));
        Assert.False(_bed.Gate(task, 8));
        Assert.True(_bed.Gate(task));
        Assert.False(_bed.Cpu2.Gate(task, 0)); // runs on the other CPU
        _bed.Cpu.Interrupt();
        Assert.Equal(DepartureKind.ResumeOs, _bed.Cpu.LastDeparture.Kind);
        Assert.True(_bed.Cpu2.Gate(task, 0));
    }

    [Fact]
    public void An_interrupted_task_resumes_unchanged_and_sees_a_signal_as_event()
    {
        (_, ulong task) = _bed.Enter();
        _bed.Cpu.Container.General[0] = 0x1234;
        _bed.Cpu.Interrupt();
        Assert.Equal(TaskState.Preempted, StateOf(task));
        Assert.True(_bed.Gate(task, AbiConstants.GateDone, 99, 99, 99));
        Assert.Equal(0x1234u, _bed.Cpu.Container.General[0]);
        _bed.Cpu.Interrupt();
        Assert.True(_bed.Gate(task, AbiConstants.GateSignal, 10, 0, 0x5000));
        Assert.Equal(0x1234u, _bed.Cpu.Container.General[0]);
        Assert.Equal(TaskContext.EventSignal, ContextOf(task).EventBits);
        Assert.Equal(ShieldAction.ReturnEvents, _bed.Shield(ShieldFunction.EventGet));
        Assert.Equal(TaskContext.EventSignal, _bed.Cpu.Container.General[0]);
        Assert.Equal(10u, _bed.Cpu.Container.General[1]);
        Assert.Equal(0x5000u, _bed.Cpu.Container.General[2]);
        _bed.Shield(ShieldFunction.EventGet);
        Assert.Equal(0u, _bed.Cpu.Container.General[0]);
    }

    [Fact]
    public void A_ticket_works_once_and_only_in_the_parents_call()
    {
        (ulong enclave, ulong parent) = _bed.Enter();
        ref TaskContext context = ref ContextOf(parent);
        context.Registers.Ttbr1 = 0xabc000;
        context.Registers.Vector[5] = 0x5555;
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.TicketIssue, 0x1111, 0x2222, 0x3333));
        Assert.Equal(Status.Busy, _bed.ShieldStatus(ShieldFunction.TicketIssue, 9, 9, 9));
        _bed.Cpu.Interrupt();
        ulong child = _bed.CreateTask(enclave, 1);
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskClone, child, parent)); // not in a call
        Assert.True(_bed.Gate(parent));
        Assert.Equal(Status.Busy, _bed.Call2(OsFunction.TaskClone, child, parent)); // runs
        _bed.Shield(ShieldFunction.OsCall);
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskClone, child, parent));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskClone, child, parent)); // ready already
        ulong second = _bed.CreateTask(enclave, 2);
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskClone, second, parent)); // redeemed
        Assert.True(_bed.Gate(child));
        ref RegisterFile registers = ref _bed.Cpu.Container;
        Assert.Equal(0x1111u, registers.Pc);
        Assert.Equal(0x2222u, registers.SpEl1);
        Assert.Equal(0x3333u, registers.General[0]);
        Assert.Equal(F(Buffer(1)) | AbiConstants.LentBit, registers.General[1]);
        Assert.Equal(8192u, registers.General[2]);
        Assert.Equal(child, registers.General[3]);
        Assert.Equal(0u, registers.General[4]);
        Assert.Equal(0xabc000u, registers.Ttbr1);
        Assert.Equal(0x5555u, registers.Vector[5]);
        Assert.Equal(0x3c5u, registers.Pstate);
        _bed.Cpu.Interrupt();
        Assert.True(_bed.Gate(parent, AbiConstants.GateDone, 77));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.TicketCancel)); // too late
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.TicketIssue));
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.TicketCancel));
    }

    [Fact]
    public void A_ticket_of_another_enclave_is_no_use()
    {
        (_, ulong parent) = _bed.Enter();
        _bed.ShieldStatus(ShieldFunction.TicketIssue);
        _bed.Shield(ShieldFunction.OsCall);
        ulong other = _bed.CreateEnclave(1);
        ulong child = _bed.CreateTask(other, 5);
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskClone, child, parent));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskClone, child, 0));
    }

    [Fact]
    public void Exec_ends_the_pending_call_with_zero()
    {
        (_, ulong task) = _bed.Enter();
        Assert.Equal(Status.Busy, _bed.Call2(OsFunction.TaskExec, task));
        _bed.Shield(ShieldFunction.OsCall);
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskExec, task));
        Assert.True(_bed.Gate(task, AbiConstants.GateResume, 5));
        Assert.Equal(0u, _bed.Cpu.Container.General[0]);
        Assert.Equal(AbiConstants.GateDone, _bed.Cpu.Container.General[1]);
        _bed.Cpu.Interrupt();
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskExec, task));
    }

    [Fact]
    public void A_voluntary_exit_ends_with_the_last_call()
    {
        (ulong enclave, ulong task) = _bed.Enter();
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.TaskEnded));
        _bed.Shield(ShieldFunction.OsCall);
        Assert.Equal(TaskState.Ended, StateOf(task));
        Assert.False(_bed.Gate(task, AbiConstants.GateDone));
        Assert.Equal(Status.Denied, _bed.Call(OsFunction.TaskDestroy, task));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskExit, task));
        Assert.Equal(TaskState.Reserved, StateOf(task));
        Assert.True(_bed.Machine.Peek(F(Context(0)), 4096).IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.TaskExit, task));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskDestroy, task));
        Assert.Equal(Status.Invalid, _bed.Call(OsFunction.TaskDestroy, task));
        Assert.NotEqual(task, _bed.Call(OsFunction.TaskCreate, enclave, F(700), F(600), 2) == Status.Success ? _bed.Cpu.Os.General[1] : 0);
    }

    [Fact]
    public void A_killed_task_runs_once_more_inside_the_exit()
    {
        (_, ulong task) = _bed.Enter();
        _bed.Shield(ShieldFunction.OsCall);
        Assert.Null(_bed.Cpu.Hypercall((ulong)OsFunction.TaskExit, task));
        Assert.Equal(unchecked((ulong)Status.Denied), _bed.Cpu.Container.General[0]);
        Assert.Equal(ulong.MaxValue, _bed.Cpu.Container.General[1]);
        Assert.Equal(Status.Busy, _bed.Call2(OsFunction.TaskExit, task));
        _bed.Cpu.Interrupt();
        Assert.Equal(DepartureKind.FinishHypercall, _bed.Cpu.LastDeparture.Kind);
        Assert.Equal(unchecked((ulong)Status.Again), _bed.Cpu.Os.General[0]);
        Assert.False(_bed.Gate(task)); // dying: by TaskExit only
        Assert.Null(_bed.Cpu.Hypercall((ulong)OsFunction.TaskExit, task));
        Assert.Equal(TaskContext.EventDying, ContextOf(task).EventBits);
        Assert.Equal(ShieldAction.Return, _bed.Shield(ShieldFunction.OsCall));
        Assert.Equal(unchecked((ulong)Status.Denied), _bed.Cpu.Container.General[0]);
        Assert.Equal(ShieldAction.Ended, _bed.Shield(ShieldFunction.TaskEnded));
        Assert.Equal(0u, _bed.Cpu.Os.General[0]);
        Assert.Equal(TaskState.Reserved, StateOf(task));
    }

    [Fact]
    public void A_stopped_enclave_lets_nobody_in()
    {
        (ulong enclave, ulong task) = _bed.Enter();
        Assert.Equal(Status.Busy, _bed.Call2(OsFunction.DestroyEnclave, enclave));
        Assert.Equal(Status.Busy, _bed.Call2(OsFunction.ReclaimMemory, enclave, F(0), 1)); // still runs
        Assert.Equal(Status.Denied, _bed.Call2(OsFunction.ReclaimMemory, enclave, F(BlockTwo), 1));
        _bed.Cpu.Interrupt();
        Assert.False(_bed.Gate(task));
        Assert.Equal(Status.Stopped, _bed.Call(OsFunction.TaskExit, task));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.ReclaimMemory, enclave, F(0), 1));
        Assert.Equal(Status.Success, _bed.Call(OsFunction.TaskDestroy, task));
    }

    [Fact]
    public void A_panic_of_the_shield_stops_its_enclave_only()
    {
        (ulong enclave, ulong task) = _bed.Enter();
        Text(F(1), "boom\n");
        Assert.Equal(ShieldAction.Stop, _bed.Shield(ShieldFunction.Stop, 3, F(1), 5));
        Assert.Equal("boom.", MonitorConsole.LastText);
        Assert.Equal(DepartureKind.AbortOs, _bed.Cpu.LastDeparture.Kind);
        Assert.False(_bed.Gate(task));
        Assert.Equal(Status.Stopped, _bed.Call(OsFunction.GrantMemory, enclave, F(BlockTwo), 1));
        (_, ulong other) = _bed.Enter(1);
        Assert.Equal(TaskState.Running, StateOf(other));
    }

    [Fact]
    public void Directed_yield_runs_the_holder_and_comes_back()
    {
        (ulong enclave, ulong first) = _bed.Enter();
        ulong second = _bed.Fork(enclave, first, 1);
        Assert.True(_bed.Gate(second));
        _bed.Cpu.Interrupt(); // preempted inside the shield
        Assert.True(_bed.Gate(first, AbiConstants.GateDone));
        Assert.Equal(ShieldAction.Switch, _bed.Shield(ShieldFunction.YieldTo, second));
        Assert.Equal(DepartureKind.RunTask, _bed.Cpu.LastDeparture.Kind);
        Assert.Equal(0x1111u, _bed.Cpu.Container.Pc);
        Assert.False(_bed.Cpu2.Gate(second, 0));
        Assert.False(_bed.Cpu2.Gate(first, 0));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.YieldTo, first));
        Assert.Equal(ShieldAction.Switch, _bed.Shield(ShieldFunction.YieldBack));
        Assert.Equal(0u, _bed.Cpu.Container.General[0]);
        Assert.Equal(TaskState.Preempted, StateOf(second));
        Assert.Equal(TaskState.Running, StateOf(first));

        // A call of the holder waits for its own thread.
        _bed.Shield(ShieldFunction.YieldTo, second);
        ulong pc = _bed.Cpu.Container.Pc;
        Assert.Equal(ShieldAction.Switch, _bed.Shield(ShieldFunction.OsCall, 7));
        Assert.Equal(pc - 4, ContextOf(second).Registers.Pc);
        Assert.Equal(7u, ContextOf(second).Registers.General[0]);
        Assert.Equal(TaskState.Running, StateOf(first));

        // An interrupt takes both off the CPU.
        _bed.Shield(ShieldFunction.YieldTo, second);
        _bed.Cpu.Interrupt();
        Assert.Equal(TaskState.Preempted, StateOf(first));
        Assert.Equal(TaskState.Preempted, StateOf(second));
        Assert.Equal(ShieldAction.Return, EnterAnd(first, ShieldFunction.YieldBack));
        _bed.Cpu.Interrupt();

        // Not inside the shield: refused.
        ContextOf(second).Registers.Pstate = 0;
        Assert.Equal(ShieldAction.Return, EnterAnd(first, ShieldFunction.YieldTo, second));
        Assert.Equal(unchecked((ulong)Status.Denied), _bed.Cpu.Container.General[0]);
        Assert.Equal(TaskState.Preempted, StateOf(second));
    }

    [Fact]
    public void Shield_services_check_their_arguments()
    {
        _bed.Enter();
        Assert.Equal(Status.Invalid, _bed.ShieldStatus(ShieldFunction.AcceptMemory, F(BlockTwo) + 1, 1));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.AcceptMemory, F(BlockTwo), 1));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.ReleaseMemory, F(BlockTwo), 1));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.ReleaseMemory, FrameTable.Layout.ShieldImage.First.Address.Value, 1));
        Assert.Equal(Status.Invalid, _bed.ShieldStatus(ShieldFunction.UnwrapKey, F(1) + 4));
        Assert.Equal(Status.Invalid, _bed.ShieldStatus(ShieldFunction.UnwrapKey, F(1) + 4096 - 120));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.UnwrapKey, F(BlockTwo)));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.UnwrapKey, F(1)));
        _bed.Machine.Bytes(F(1), 1)[0] = 0xa5;
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.UnwrapKey, F(1)));
        Assert.Equal(0x5a, _bed.Machine.Peek(F(1) + 112, 1)[0]);
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.UnwrapKey, F(1)));    // once in its life
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Log, F(BlockTwo), 4));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Log, ulong.MaxValue - 2, 4));
        Assert.Equal(Status.Invalid, _bed.ShieldStatus(ShieldFunction.Log, F(1), 201));
        Text(F(2) - 2, "ab\u0001d");
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.Log, F(2) - 2, 4));
        Assert.Equal("ab.d", MonitorConsole.LastText);

        // Another build keeps the text to itself; the record it makes in any case.
        BootFacts.Flags = 0;
        Text(F(2) - 2, "else");
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.Log, F(2) - 2, 4));
        Assert.Equal("ab.d", MonitorConsole.LastText);
        Assert.Equal(Status.NotSupported, _bed.ShieldStatus((ShieldFunction)16));
        Assert.Equal(Status.NotSupported, _bed.ShieldStatus(0));
        Assert.Equal(ShieldAction.Return, _bed.Shield(ShieldFunction.Random));
    }

    private ShieldAction EnterAnd(ulong task, ShieldFunction function, ulong x0 = 0)
    {
        Assert.True(_bed.Gate(task));
        return _bed.Shield(function, x0);
    }

    private void Text(ulong address, string text) => System.Text.Encoding.ASCII.GetBytes(text).CopyTo(_bed.Machine.Bytes(address, text.Length));
}
