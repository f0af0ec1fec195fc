using System.Linq;
using System.Runtime.InteropServices;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>Single situations: what the OS has no right to, calls that a signal comes before, actions.</summary>
public class SignalCallTests
{
    private const ulong At = CallMachine.UserBase;
    private const ulong SignalFrameAt = CallMachine.OsBuffer + CallMachine.BufferBytes - 5120;

    private static CallMachine Start()
    {
        CallMachine machine = CallMachine.Start();
        machine.Answers[Sys.rt_sigaction] = _ => 0;
        machine.Answers[Sys.rt_sigprocmask] = _ => 0;
        machine.Answers[Sys.rt_sigreturn] = _ => 0;
        machine.Thread.Registers.Sp = At + (1 << 20);
        SignalEntry.Actions(ref machine.Thread).Of(10).Handler = 0x1000;
        return machine;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    [InlineData(int.MinValue)]
    [InlineData(SignalNumber.Segmentation)]
    [InlineData(SignalNumber.Bus)]
    [InlineData(SignalNumber.Kill)]
    [InlineData(SignalNumber.Stop)]
    public void The_OS_cannot_send_what_it_has_no_right_to(int signal)
    {
        CallMachine machine = Start();
        if (SignalNumber.IsValid(signal))
        {
            SignalEntry.Actions(ref machine.Thread).Of(signal).Handler = 0x2000;
        }

        SignalEntry.Take(ref machine.Thread, signal, SignalFrameAt);
        Assert.Equal(0, machine.Thread.Signals.Count);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(CallMachine.OsBuffer)]
    [InlineData(CallMachine.OsBuffer + CallMachine.BufferBytes - 175)]
    [InlineData(ulong.MaxValue)]
    [InlineData(CallMachine.OsBuffer - BufferLayout.LentBit + 0x40_0000)]
    public void A_frame_outside_the_area_for_frames_is_not_touched(ulong frame)
    {
        CallMachine machine = Start();
        SignalEntry.Take(ref machine.Thread, 10, frame);
        Assert.Equal(0, machine.Thread.Signals.Count);

        // Least of all when the header named no area.
        machine.Thread.SignalStackOffset = 0;
        machine.Thread.SignalStackBytes = 0;
        SignalEntry.Take(ref machine.Thread, 10, frame);
        Assert.Equal(0, machine.Thread.Signals.Count);
    }

    [Fact]
    public void The_information_has_the_signals_own_number_and_is_read_once()
    {
        CallMachine machine = Start();
        CallMachine.Os(SignalFrameAt, 128).Fill(0x5A);
        SignalEntry.Take(ref machine.Thread, 10, SignalFrameAt);
        CallMachine.Os(SignalFrameAt, 128).Fill(0xFF);
        Assert.True(SignalQueue.TryTake(ref machine.Thread, 0, out int signal, out SignalInformation information));
        Assert.Equal(10, signal);
        Assert.Equal(0x5A5A_5A5A_0000_000AUL, information[0]);
        Assert.Equal(0x5A5A_5A5A_5A5A_5A5AUL, information[15]);
    }

    [Fact]
    public void A_full_queue_takes_no_more()
    {
        CallMachine machine = Start();
        SignalEntry.Actions(ref machine.Thread).Of(40).Handler = 0x1000;
        for (int i = 0; i < 1000; i++)
        {
            SignalEntry.Take(ref machine.Thread, 40, SignalFrameAt);
        }

        Assert.Equal(128, machine.Thread.Signals.Count);
    }

    [Theory]
    [InlineData((int)Sys.read, true)]
    [InlineData((int)Sys.nanosleep, true)]
    [InlineData((int)Sys.ppoll, true)]
    [InlineData((int)Sys.wait4, true)]
    [InlineData((int)Sys.getpid, false)]
    [InlineData((int)Sys.close, false)]
    public void A_signal_that_comes_before_a_call_does_not_wait_for_it(int call, bool waits)
    {
        Sys number = (Sys)call;
        CallMachine machine = Start();
        machine.Events.Enqueue((BufferLayout.EventSignal, 10, SignalFrameAt));
        machine.Answers[number] = _ => 5;
        Assert.Equal(waits ? -Errno.ERESTARTSYS : 5, Gate.Call(ref machine.Thread, number));
        Assert.Equal(!waits, machine.Seen.Any(seen => seen.Number == number));
        Assert.True(SignalEntry.IsPending(ref machine.Thread));
    }

    [Fact]
    public void A_call_that_the_monitor_did_not_begin_is_begun_or_gives_way()
    {
        CallMachine machine = Start();
        OsReturn before = new() { Offset = BufferLayout.GateSignal, Result = 10, Stack = SignalFrameAt, Number = ulong.MaxValue };
        OsReturn resume = new() { Offset = BufferLayout.GateResume, Number = 128 };
        machine.Returns.Enqueue(before);
        machine.Returns.Enqueue(resume);
        machine.Answers[Sys.close] = _ => 0;
        Assert.Equal(0, Gate.Call(ref machine.Thread, Sys.close, 3));
        Assert.Equal([Sys.close, Sys.rt_sigreturn, Sys.close], machine.Seen.Select(call => call.Number));

        SignalQueue.Clear(ref machine.Thread);
        machine.Returns.Enqueue(before);
        machine.Returns.Enqueue(resume);
        Assert.Equal(-Errno.ERESTARTSYS, Gate.Call(ref machine.Thread, Sys.read, 3));
    }

    [Fact]
    public void A_masked_call_that_a_signal_comes_before_is_interrupted_and_not_restarted()
    {
        CallMachine machine = Start();
        machine.Thread.Signals.Mask = SignalNumber.Bit(10);
        machine.Thread.Signals.OsMask = SignalNumber.Bit(10);
        Assert.True(SignalQueue.TryAdd(ref machine.Thread, 10, SignalInformation.Make(10, 0, 0)));
        machine.WriteUser(At, 0UL);
        machine.Answers[Sys.ppoll] = _ => throw new Xunit.Sdk.XunitException("waits although a signal is there");
        Assert.Equal(-Errno.EINTR, machine.Call(Sys.ppoll, 0, 0, 0, At, 8));
        SignalEntry.Deliver(ref machine.Thread, restart: false);
        Assert.Equal(0x1000UL, machine.Thread.Registers.Pc);
        Assert.Equal(SignalNumber.Bit(10), machine.ReadUser<ulong>(machine.Thread.Registers.Sp + 168));
    }

    [Fact]
    public void A_masked_call_that_succeeds_gives_the_mask_back_before_handlers_run()
    {
        CallMachine machine = Start();
        machine.WriteUser(At, SignalNumber.Bit(12));
        machine.Answers[Sys.ppoll] = _ =>
        {
            SignalEntry.Take(ref machine.Thread, 10, SignalFrameAt);
            return 0;
        };
        Assert.Equal(0, machine.Call(Sys.ppoll, 0, 0, 0, At, 8));
        Assert.Equal(0UL, machine.Thread.Signals.Mask);
        SignalEntry.Deliver(ref machine.Thread, restart: false);
        Assert.Equal(SignalNumber.Bit(10), machine.Thread.Signals.Mask);
    }

    [Fact]
    public void A_signal_that_sigtimedwait_takes_leaves_no_mask_behind_in_Linux()
    {
        CallMachine machine = Start();
        SignalEntry.Take(ref machine.Thread, 10, SignalFrameAt);
        Assert.NotEqual(0UL, machine.Thread.Signals.OsMask);
        machine.WriteUser(At, SignalNumber.Bit(10));
        Assert.Equal(10, machine.Call(Sys.rt_sigtimedwait, At, 0, 0, 8));
        Dispatcher.Leave(ref machine.Thread);
        Assert.Equal(0UL, machine.Thread.Signals.OsMask);
        Assert.Equal(Sys.rt_sigprocmask, machine.Seen.Last().Number);
    }

    [Fact]
    public void Reset_hand_takes_the_handler_and_nothing_else()
    {
        CallMachine machine = Start();
        SignalEntry.Actions(ref machine.Thread).Of(10) = new SignalAction { Handler = 0x1000, Flags = SignalAction.ResetHandler | SignalAction.NoDefer, Mask = 0x4 };
        ulong registered = 1;
        machine.Answers[Sys.rt_sigaction] = a =>
        {
            registered = MemoryMarshal.Read<SignalAction>(CallMachine.Os(a[1], 32)).Handler;
            return 0;
        };
        Assert.True(SignalQueue.TryAdd(ref machine.Thread, 10, SignalInformation.Make(10, 0, 0)));
        SignalEntry.Deliver(ref machine.Thread, restart: false);
        Assert.Equal(0x1000UL, machine.Thread.Registers.Pc);
        Assert.Equal(0x4UL, machine.Thread.Signals.Mask);
        SignalAction action = SignalEntry.Actions(ref machine.Thread).Of(10);
        Assert.Equal((SignalAction.Default, SignalAction.ResetHandler | SignalAction.NoDefer, 0x4UL), (action.Handler, action.Flags, action.Mask));
        Assert.Equal(0UL, registered);
    }

    [Fact]
    public void Linux_gets_the_gate_for_handlers_and_nothing_for_synchronous_signals()
    {
        CallMachine machine = Start();
        machine.Thread.OsGate = 0x7000_0000;
        machine.WriteUser(At, 0xDEAD_0000, SignalAction.Restart | SignalAction.Information, 0x44, 0x55);
        SignalAction seen = default;
        machine.Answers[Sys.rt_sigaction] = a =>
        {
            seen = MemoryMarshal.Read<SignalAction>(CallMachine.Os(a[1], 32));
            return 0;
        };
        Assert.Equal(0, machine.Call(Sys.rt_sigaction, 10, At, 0, 8));
        Assert.Equal(0x7000_0000 + BufferLayout.GateSignal, seen.Handler);
        Assert.Equal(ulong.MaxValue, seen.Mask);
        Assert.NotEqual(0UL, seen.Flags & SignalAction.Restart);
        Assert.Equal(0, machine.Call(Sys.rt_sigaction, 11, At, 0, 8));
        Assert.Equal(SignalAction.Default, seen.Handler);
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.rt_sigaction, SignalNumber.Kill, At, 0, 8));
        Assert.Equal(-Errno.EINVAL, machine.Call(Sys.rt_sigaction, 10, At, 0, 16));
        Assert.Equal(-Errno.EFAULT, machine.Call(Sys.rt_sigaction, 10, 1, 0, 8));
    }

    [Fact]
    public void Ignoring_drops_what_waits()
    {
        CallMachine machine = Start();
        machine.Thread.Signals.Mask = SignalNumber.Bit(10);
        Assert.True(SignalQueue.TryAdd(ref machine.Thread, 10, SignalInformation.Make(10, 0, 0)));
        machine.WriteUser(At, SignalAction.Ignore, 0, 0, 0);
        Assert.Equal(0, machine.Call(Sys.rt_sigaction, 10, At, 0, 8));
        Assert.Equal(0, machine.Thread.Signals.Count);
    }

    [Fact]
    public void A_signal_whose_handler_went_is_left_to_Linux()
    {
        CallMachine machine = Start();
        machine.Answers[Sys.tgkill] = _ => 0;
        SignalEntry.Actions(ref machine.Thread).Of(15).Handler = SignalAction.Default;
        SignalEntry.Take(ref machine.Thread, 15, SignalFrameAt);
        SignalEntry.Deliver(ref machine.Thread, restart: false);
        Assert.Equal([1UL, 1UL, 15UL], machine.Last(Sys.tgkill).Arguments[..3]);
    }

    [Theory]
    [InlineData((int)Sys.tgkill, new ulong[] { 1, 1, 11 }, -6)]
    [InlineData((int)Sys.tkill, new ulong[] { 1, 11 }, -6)]
    [InlineData((int)Sys.kill, new ulong[] { 1, 11 }, 0)]
    public void A_fault_that_a_thread_sends_itself_reaches_its_handler(int call, ulong[] arguments, int code)
    {
        Sys number = (Sys)call;
        CallMachine machine = Start();
        SignalEntry.Actions(ref machine.Thread).Of(11).Handler = 0x3000;
        Assert.Equal(0, machine.Call(number, arguments));
        Assert.Equal(0, machine.Call(number, arguments));
        SignalEntry.Deliver(ref machine.Thread, restart: false);
        Assert.Equal(0x3000UL, machine.Thread.Registers.Pc);
        Assert.Equal(code, machine.ReadUser<int>(machine.Thread.Registers.Sp + 8));
        Assert.Equal(0, machine.Thread.Signals.Count);
    }

    [Fact]
    public void Exec_keeps_ignored_signals_mask_and_what_is_pending()
    {
        CallMachine machine = Start();
        ref Thread thread = ref machine.Thread;
        SignalEntry.Actions(ref thread).Of(12) = new SignalAction { Handler = SignalAction.Ignore, Mask = 7 };
        thread.Signals.Mask = SignalNumber.Bit(10);
        thread.Signals.StackBytes = 8192;
        Assert.True(SignalQueue.TryAdd(ref thread, 10, SignalInformation.Make(10, 0, 0)));
        SignalEntry.ResetForExec(ref thread);
        Assert.Equal(SignalAction.Default, SignalEntry.Actions(ref thread).Of(10).Handler);
        Assert.Equal((SignalAction.Ignore, 0UL), (SignalEntry.Actions(ref thread).Of(12).Handler, SignalEntry.Actions(ref thread).Of(12).Mask));
        Assert.Equal(SignalNumber.Bit(10), thread.Signals.Mask);
        Assert.Equal(1, thread.Signals.Count);
        Assert.Equal(0UL, thread.Signals.StackBytes);
    }
}
