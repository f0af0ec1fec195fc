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

    [Fact]
    public void Failure_with_a_child_and_contradicting_numbers_stop_the_enclave()
    {
        CallMachine machine = StartWithClone(-11);
        Assert.Throws<ShieldStoppedException>(() => machine.Call(Sys.clone, 17));
        machine = StartWithClone(1);
        Assert.Throws<ShieldStoppedException>(() => machine.Call(Sys.clone, 17));
        machine = StartWithClone(2);
        Assert.Equal(2, machine.Call(Sys.clone, 17));
        Assert.Throws<ShieldStoppedException>(() => Begin(machine, 3, 3));
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

    private static void Exit(CallMachine machine, int code)
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
        Hardware.CurrentTask = machine.Thread.TaskHandle;
        KernelLock.Acquire();
    }
}
