using System.Linq;
using Xunit;

namespace BlackBox.Shield.Tests;

public class GateTests
{
    private const ulong SignalFrame = CallMachine.OsBuffer + CallMachine.BufferBytes - 4096;

    [Fact]
    public void A_call_forwards_its_arguments_and_returns_the_raw_result()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.lseek] = a => (long)a[1] + 1;
        Assert.Equal(8, Gate.Call(ref machine.Thread, Sys.lseek, 3, 7, 2));
        Assert.Equal([3, 7, 2, 0, 0, 0], machine.Last(Sys.lseek).Arguments);
        Assert.True(KernelLock.IsHeld);
    }

    [Fact]
    public void A_restart_without_a_signal_is_forwarded_again_with_the_same_arguments()
    {
        CallMachine machine = CallMachine.Start();
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateResume, Number = (ulong)Sys.nanosleep, Result = 99 });
        machine.Answers[Sys.nanosleep] = _ => 0;
        Assert.Equal(0, Gate.Call(ref machine.Thread, Sys.nanosleep, 5));
        Assert.Equal([Sys.nanosleep, Sys.nanosleep], machine.Seen.Select(c => c.Number));
        Assert.Equal(5UL, machine.Seen[1].Arguments[0]);
    }

    [Fact]
    public void Restart_syscall_is_followed_and_no_other_number()
    {
        CallMachine machine = CallMachine.Start();
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateResume, Number = 128 });
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateResume, Number = (ulong)Sys.unlinkat });
        machine.Answers[Sys.nanosleep] = _ => 0;
        Assert.Equal(0, Gate.Call(ref machine.Thread, Sys.nanosleep, 5));
        Assert.Equal([Sys.nanosleep, Sys.restart_syscall, Sys.nanosleep], machine.Seen.Select(c => c.Number));
    }

    [Fact]
    public void A_signal_during_a_call_is_taken_undone_and_the_call_goes_on()
    {
        CallMachine machine = CallMachine.Start();
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateSignal, Result = 10, Stack = SignalFrame });
        machine.Answers[Sys.rt_sigreturn] = _ => -Errno.EINTR;
        Assert.Equal(-Errno.EINTR, Gate.Call(ref machine.Thread, Sys.ppoll));
        Assert.Equal([Sys.ppoll, Sys.rt_sigreturn], machine.Seen.Select(c => c.Number));
    }

    [Fact]
    public void A_signal_with_a_handler_makes_a_restart_wait_for_the_handler()
    {
        CallMachine machine = CallMachine.Start();
        SignalEntry.Actions(ref machine.Thread).Of(10).Handler = 0x1000;
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateSignal, Result = 10, Stack = SignalFrame });
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateResume, Number = (ulong)Sys.read });
        Assert.Equal(-Errno.ERESTARTSYS, Gate.Call(ref machine.Thread, Sys.read));
    }

    [Fact]
    public void Death_ends_every_call_at_once()
    {
        CallMachine machine = CallMachine.Start();
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateNever });
        Assert.Equal(-Errno.Dying, Gate.Call(ref machine.Thread, Sys.read));
        Assert.Equal(-Errno.Dying, Gate.Call(ref machine.Thread, Sys.read));
        Assert.Equal(-Errno.Dying, Gate.Service(ref machine.Thread, Service.Grant, 1));
        Assert.Single(machine.Seen);
    }

    [Fact]
    public void An_event_of_death_is_seen_before_a_call()
    {
        CallMachine machine = CallMachine.Start();
        machine.Events.Enqueue((BufferLayout.EventDying, 0, 0));
        Assert.Equal(-Errno.Dying, Gate.Call(ref machine.Thread, Sys.read));
        Assert.Empty(machine.Seen);
    }

    [Fact]
    public void A_pending_signal_event_is_undone_before_a_call()
    {
        CallMachine machine = CallMachine.Start();
        machine.Events.Enqueue((BufferLayout.EventSignal, 10, SignalFrame));
        machine.Returns.Enqueue(new OsReturn { Offset = BufferLayout.GateResume });
        machine.Answers[Sys.sync] = _ => 0;
        Assert.Equal(0, Gate.Call(ref machine.Thread, Sys.sync));
        Assert.Equal([Sys.rt_sigreturn, Sys.sync], machine.Seen.Select(c => c.Number));
    }

    [Fact]
    public void An_unknown_way_back_stops_the_enclave()
    {
        CallMachine machine = CallMachine.Start();
        machine.Returns.Enqueue(new OsReturn { Offset = 0x200 });
        Assert.Equal(
            PanicReason.Protocol,
            Assert.Throws<ShieldStoppedException>(() => Gate.Call(ref machine.Thread, Sys.read)).Reason);
    }

    [Theory]
    [InlineData(long.MinValue, -Errno.EIO)]
    [InlineData(-4096, -Errno.EIO)]
    [InlineData(-4095, -4095)]
    [InlineData(12, 12)]
    public void Results_of_services_are_numbers_or_errors(long answer, long expected)
    {
        CallMachine machine = CallMachine.Start();
        machine.Serve = _ => answer;
        Assert.Equal(expected, Gate.Service(ref machine.Thread, Service.PinFile, 3));
    }
}
