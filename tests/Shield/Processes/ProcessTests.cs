using System.Runtime.InteropServices;
using Xunit;

namespace BlackBox.Shield.Tests;

public class ProcessTests
{
    private const ulong At = CallMachine.UserBase;
    private const ulong ThreadFlags = CloneCalls.Memory | CloneCalls.FileSystem | CloneCalls.Files | CloneCalls.SignalHandlers
        | CloneCalls.Threads | CloneCalls.SetThreadPointer | CloneCalls.ParentSetTid | CloneCalls.ChildClearTid;

    private static CallMachine StartWithClone(int number, bool start = true)
    {
        CallMachine machine = CallMachine.Start();
        machine.Serve = service => service is Service.ReserveTask or Service.CancelTask ? 0x1_0002 : -Errno.ENOSYS;
        machine.Answers[Sys.clone] = _ =>
        {
            machine.TicketRedeemed = start;
            CallMachine.PutChildNumber(number);
            return number;
        };
        return machine;
    }

    private static void Begin(CallMachine machine, int tid, int pid)
    {
        CallMachine.PutHeader(tid, pid);
        KernelLock.Release();
        CloneCalls.Begin(
            ref Hardware.KernelReference<Thread>(machine.TicketArgument), BufferLayout.LentBit, CallMachine.BufferBytes, 0x1_0002);
        Hardware.CurrentTask = machine.Thread.TaskHandle;
        KernelLock.Acquire();
    }

    [Fact]
    public void A_thread_gets_its_registers_and_its_number_is_written_once()
    {
        CallMachine machine = StartWithClone(2);
        machine.Thread.Registers.X[5] = 55;
        Assert.Equal(2, machine.Call(Sys.clone, ThreadFlags, 0x7000, At, 0x1234, At));
        Assert.Equal([ThreadFlags & ~(CloneCalls.SetThreadPointer | CloneCalls.ParentSetTid | CloneCalls.ChildClearTid), 0UL, 0UL, 0UL, 0UL, 0UL],
            machine.Last(Sys.clone).Arguments);
        Assert.Equal(2, machine.ReadUser<int>(At));
        ref Thread child = ref Hardware.KernelReference<Thread>(machine.TicketArgument);
        Assert.Equal((0UL, 0x7000UL, 55UL), (child.Registers.X[0], child.Registers.Sp, child.Registers.X[5]));

        // The child's own start must not write again: the word may be something else by then.
        machine.WriteUser(At, 99);
        Begin(machine, 2, 1);
        Assert.Equal(99, machine.ReadUser<int>(At));
        Assert.Equal(0x1234UL, Hardware.ThreadPointer);
        Assert.Equal(At, child.ClearChildTid);
        Assert.Equal(2, Pool<Process>.Get(machine.Thread.Process).ThreadCount);
    }

    [Fact]
    public void A_failed_clone_leaves_nothing()
    {
        CallMachine machine = StartWithClone(0, start: false);
        machine.Answers[Sys.clone] = _ => -Errno.EAGAIN;
        Assert.Equal(-Errno.EAGAIN, machine.Call(Sys.clone, 17));
        int free = Frames.FreeCount;
        (int threads, int processes, int spaces) = (Pool<Thread>.Count, Pool<Process>.Count, Pool<AddressSpace>.Count);
        Assert.Equal(-Errno.EAGAIN, machine.Call(Sys.clone, 17));
        Assert.Equal((threads, processes, spaces), (Pool<Thread>.Count, Pool<Process>.Count, Pool<AddressSpace>.Count));
        Assert.Equal((1, 1, 1), (threads, processes, spaces));
        Assert.InRange(free - Frames.FreeCount, 0, 1);
    }

    [Fact]
    public void Success_without_a_child_is_no_success()
    {
        CallMachine machine = StartWithClone(2, start: false);
        Assert.Equal(-Errno.EAGAIN, machine.Call(Sys.clone, 17));
        Assert.Equal((1, 1, 1), (Pool<Thread>.Count, Pool<Process>.Count, Pool<AddressSpace>.Count));
    }

    [Theory]
    [InlineData(-11, 2, -11)]
    [InlineData(0, 2, -Errno.EAGAIN)]
    [InlineData(1L << 40, 2, -Errno.EAGAIN)]
    [InlineData(3, 2, -Errno.EAGAIN)]
    [InlineData(2, 0, -Errno.EAGAIN)]
    [InlineData(1, 1, -Errno.EAGAIN)]
    public void A_child_that_clone_lies_about_never_runs(long result, int told, long expected)
    {
        CallMachine machine = StartWithClone(2);
        machine.Answers[Sys.clone] = _ =>
        {
            machine.TicketRedeemed = true;
            CallMachine.PutChildNumber(told);
            return result;
        };
        Assert.Equal(expected, machine.Call(Sys.clone, 17));
        Assert.Throws<ThreadEndedException>(() => Begin(machine, 2, 2));
        Assert.Equal((1, 1, 1), (Pool<Thread>.Count, Pool<Process>.Count, Pool<AddressSpace>.Count));
        Assert.DoesNotContain(machine.Seen, call => call.Number == Sys.kill);
    }

    [Fact]
    public void A_thread_that_clone_lies_about_ends_before_its_first_instruction()
    {
        CallMachine machine = StartWithClone(2);
        machine.Answers[Sys.clone] = _ =>
        {
            machine.TicketRedeemed = true;
            CallMachine.PutChildNumber(2);
            return 3;
        };
        machine.WriteUser(At, 7);
        Assert.Equal(-Errno.EAGAIN, machine.Call(Sys.clone, ThreadFlags, 0x7000, At, 0x1234, At));
        ThreadEndedException end = Assert.Throws<ThreadEndedException>(() => Begin(machine, 2, 1));
        Assert.Equal(Sys.exit, end.Number);
        Hardware.CurrentTask = machine.Thread.TaskHandle;
        KernelLock.Acquire();
        Assert.Equal(7, machine.ReadUser<int>(At));
        Assert.Equal((1, 1), (Pool<Thread>.Count, Pool<Process>.Get(machine.Thread.Process).ThreadCount));
        Assert.Equal(ProcessState.Running, Pool<Process>.Get(machine.Thread.Process).State);
    }

    [Fact]
    public void A_process_that_runs_under_another_number_is_killed()
    {
        CallMachine machine = StartWithClone(2);
        machine.Answers[Sys.clone] = _ =>
        {
            machine.TicketRedeemed = true;
            KernelLock.Acquire();
            Begin(machine, 2, 2);
            KernelLock.Release();
            CallMachine.PutChildNumber(3);
            return 3;
        };
        machine.Answers[Sys.kill] = _ => 0;
        Assert.Equal(-Errno.EAGAIN, machine.Call(Sys.clone, 17));
        Assert.Equal([2, ProcessNumbers.SigKill], machine.Last(Sys.kill).Arguments[..2]);
        ref Thread child = ref Hardware.KernelReference<Thread>(machine.TicketArgument);
        Assert.True(child.ProcessEnding);
        Assert.True(Pool<Process>.Get(child.Process).Parent.IsNull);
    }

    [Fact]
    public void A_child_that_is_told_another_number_ends_as_killed()
    {
        CallMachine machine = StartWithClone(2);
        Assert.Equal(2, machine.Call(Sys.clone, 17));
        Assert.Throws<ThreadEndedException>(() => Begin(machine, 3, 3));
        Hardware.CurrentTask = machine.Thread.TaskHandle;
        KernelLock.Acquire();
        machine.Answers[Sys.wait4] = a => Answer(a, 2, 0);
        Assert.Equal(2, machine.Call(Sys.wait4, 2, At, 0, 0));
        Assert.Equal(ProcessNumbers.SigKill, machine.ReadUser<int>(At));
    }

    [Fact]
    public void The_code_of_the_first_thread_is_the_process_s()
    {
        CallMachine machine = StartWithClone(2);
        Assert.Equal(2, machine.Call(Sys.clone, ThreadFlags, 0x7000, At, 0x1234, At));
        Begin(machine, 2, 1);
        machine.Answers[Sys.rt_sigprocmask] = _ => 0;
        Assert.Throws<ThreadEndedException>(() => machine.Call(Sys.exit, 5));
        ref Process process = ref Pool<Process>.Get(Hardware.KernelReference<Thread>(machine.TicketArgument).Process);
        Assert.Equal((5 << 8, true), (process.Status, process.StatusKnown));
        Assert.True(Pool<Process>.TryAdd(out process.Parent));
        KernelLock.Acquire();
        Exit(machine, code: 6, back: false);
        Assert.Equal((5 << 8, true), (process.Status, process.StatusKnown));
    }

    [Theory]
    [InlineData(CloneCalls.Threads, -Errno.EINVAL)]
    [InlineData(CloneCalls.SignalHandlers, -Errno.EINVAL)]
    [InlineData(0x1000_0000UL, -Errno.EPERM)]
    [InlineData(0x0002_0000UL, -Errno.EPERM)]
    public void Flags_that_make_no_sense_or_new_namespaces_are_refused(ulong flags, long expected)
    {
        CallMachine machine = StartWithClone(2);
        Assert.Equal(expected, machine.Call(Sys.clone, flags | 17));
        Assert.Empty(machine.Seen);
    }

    [Fact]
    public void A_fork_has_memory_of_its_own_and_its_end_is_confirmed()
    {
        CallMachine machine = StartWithClone(2);
        machine.WriteUser(At, 7);
        Assert.Equal(2, machine.Call(Sys.clone, 17));
        Handle<Process> handle = Hardware.KernelReference<Thread>(machine.TicketArgument).Process;
        ref Process child = ref Pool<Process>.Get(handle);
        Assert.False(child.Memory.Is(Pool<Process>.Get(machine.Thread.Process).Memory));
        machine.WriteUser(At, 8);
        Assert.Equal(2, child.Pid);
        Begin(machine, 2, 2);

        // Linux may not report an end that has not been.
        machine.Answers[Sys.wait4] = a =>
        {
            MemoryMarshal.Write(CallMachine.Os(a[1], 4), 3 << 8);
            return 2;
        };
        Assert.Equal(-Errno.EIO, machine.Call(Sys.wait4, 2, At, 0, 0));

        Exit(machine, code: 5);
        Assert.Equal(ProcessState.Zombie, Pool<Process>.Get(handle).State);
        Assert.Equal(2, machine.Call(Sys.wait4, 2, At, 0, 0));
        Assert.Equal(5 << 8, machine.ReadUser<int>(At));
        Assert.False(Pool<Process>.IsLive(handle));
        Assert.Equal(1, Pool<AddressSpace>.Count);
    }

    [Fact]
    public void The_last_thread_of_the_enclave_returns_everything()
    {
        CallMachine machine = CallMachine.Start();
        machine.WriteUser(At, new byte[1 << 20]);
        int before = Frames.FreeCount;
        ThreadEndedException end = Assert.Throws<ThreadEndedException>(() => machine.Call(Sys.exit_group, 3));
        Assert.Equal((Sys.exit_group, 3UL), (end.Number, end.Argument0));
        Assert.Equal((0, 0, 0), (Pool<Thread>.Count, Pool<Process>.Count, Pool<AddressSpace>.Count));
        Assert.True(Frames.FreeCount > before + 256);
    }

    [Fact]
    public void A_killed_thread_releases_without_the_os()
    {
        CallMachine machine = CallMachine.Start();
        machine.Events.Enqueue((BufferLayout.EventDying, 0, 0));
        machine.Thread.ClearChildTid = At;
        Assert.Throws<ThreadEndedException>(() => Dispatcher.Leave(ref machine.Thread));
        Assert.Empty(machine.Seen);
        Assert.Equal((0, 0), (Pool<Thread>.Count, Pool<AddressSpace>.Count));
    }

    private static long Answer(ulong[] arguments, int result, int status)
    {
        MemoryMarshal.Write(CallMachine.Os(arguments[1], 4), status);
        return result;
    }

    private static void Exit(CallMachine machine, int code, bool back = true)
    {
        ref Thread child = ref Hardware.KernelReference<Thread>(machine.TicketArgument);
        KernelLock.Release();
        Hardware.CurrentTask = child.TaskHandle;
        KernelLock.Acquire();
        CallArguments a = default;
        a[0] = (ulong)code;
        bool ended = false;
        try
        {
            _ = Exits.Exit(ref child, ref a);
        }
        catch (ThreadEndedException)
        {
            ended = true;
        }

        Assert.True(ended);
        if (!back)
        {
            return;
        }

        Hardware.CurrentTask = machine.Thread.TaskHandle;
        KernelLock.Acquire();
    }
}
