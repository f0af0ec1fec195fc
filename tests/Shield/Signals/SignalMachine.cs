using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>
/// One thread's signals as Linux 6.1 keeps them (kernel/signal.c): pending set, mask, actions, delivery on every way back to the gate,
/// temporary masks, restart. Signals come when the test's source of chance says so: during calls, between them, while the program runs.
/// </summary>
internal sealed class SignalMachine : IMachine
{
    private const ulong FrameStep = 5120;
    private const ulong FrameTop = CallMachine.OsBuffer + CallMachine.BufferBytes;
    private readonly Stack<(ulong Frame, OsReturn Back)> contexts = new();
    private readonly Random random;

    public SignalMachine(Random random)
    {
        this.random = random;
        Program = CallMachine.Start();
        Hardware.Machine = this;
        SignalEntry.Actions(ref Program.Thread) = default;
        SignalEntry.Actions(ref Program.Thread).Users = 1;
    }

    public CallMachine Program { get; }

    /// <summary>Linux's side.</summary>
    public ulong Mask { get; private set; }

    public List<int> Pending { get; } = [];

    public SignalAction[] Actions { get; } = new SignalAction[65];

    /// <summary>Signals sent, by number; real-time ones queue, standard ones merge.</summary>
    public int[] Sent { get; } = new int[65];

    /// <summary>Signals merged with one that was pending in Linux.</summary>
    public int[] Merged { get; } = new int[65];

    /// <summary>Chance in percent that a signal arrives at each step.</summary>
    public int Chance { get; set; } = 20;

    public int[] Numbers { get; set; } = [10, 12, 14, 34, 40];

    /// <summary>An event that interrupted the program or the shield: the frame is outstanding.</summary>
    private (int Signal, ulong Frame)? outstanding;

    public bool IsEventPending => outstanding is not null;

    public void Send(int signal)
    {
        Sent[signal]++;
        if (signal < 32 && Pending.Contains(signal))
        {
            Merged[signal]++;
            return;
        }

        Pending.Add(signal);
    }

    /// <summary>The program is interrupted: Linux delivers to the gate if it may.</summary>
    public void Interrupt()
    {
        if (outstanding is null && TryDeliver(new OsReturn { Offset = BufferLayout.GateResume, Number = 64 }, Mask, out OsReturn back))
        {
            outstanding = ((int)back.Result, back.Stack);
        }
    }

    public ulong EventGet(out ulong signal, out ulong frame)
    {
        (signal, frame) = ((ulong)outstanding!.Value.Signal, outstanding.Value.Frame);
        outstanding = null;
        return BufferLayout.EventSignal;
    }

    public OsReturn OsCall(ulong number, ReadOnlySpan<ulong> a)
    {
        Assert.False(KernelLock.IsHeld);
        Assert.Null(outstanding);
        MaybeSend();
        OsReturn done = new() { Offset = BufferLayout.GateDone, Number = number };
        switch ((Sys)number)
        {
            case Sys.rt_sigreturn:
                (ulong frame, OsReturn back) = contexts.Pop();
                Mask = MemoryMarshal.Read<ulong>(CallMachine.Os(frame + 168, 8)) & ~SignalNumber.Unblockable;
                return Leave(back);
            case Sys.rt_sigprocmask:
                Assert.Equal(2UL, a[0]);
                Mask = MemoryMarshal.Read<ulong>(CallMachine.Os(a[1], 8));
                return Leave(done);
            case Sys.rt_sigaction:
                Actions[a[0]] = MemoryMarshal.Read<SignalAction>(CallMachine.Os(a[1], 32));
                return Leave(done);
            case Sys.read:
                return Block(done, Mask, restarts: true);
            case Sys.ppoll:
                return Block(done, a[3] == 0 ? Mask : MemoryMarshal.Read<ulong>(CallMachine.Os(a[3], 8)), restarts: false);
            case Sys.rt_sigsuspend:
                return Block(done, MemoryMarshal.Read<ulong>(CallMachine.Os(a[0], 8)), restarts: false);
            default:
                return Leave(done);
        }
    }

    public OsReturn OsFault(ulong address) => throw new NotSupportedException();

    public long AcceptMemory(ulong address, ulong frames) => Status.Denied;

    public long ReleaseMemory(ulong address, ulong frames) => Status.Denied;

    public long TicketIssue(ulong entry, ulong stack, ulong argument) => Status.Denied;

    public long TicketCancel() => Status.Denied;

    /// <summary>A call that sleeps until a signal comes or (by chance) it is ready.</summary>
    private OsReturn Block(OsReturn done, ulong mask, bool restarts)
    {
        for (int i = 0; i < 3; i++)
        {
            MaybeSend();
        }

        if (!Pending.Any(signal => (SignalNumber.Bit(signal) & mask) == 0))
        {
            return Leave(done);
        }

        // The first signal's action decides about the restart.
        int first = Pending.Where(signal => (SignalNumber.Bit(signal) & mask) == 0).Min();
        OsReturn back = restarts && (Actions[first].Flags & SignalAction.Restart) != 0
            ? done with { Offset = BufferLayout.GateResume }
            : done with { Result = unchecked((ulong)-Errno.EINTR) };
        Assert.True(TryDeliver(back, mask, out OsReturn signalled));
        return signalled;
    }

    private OsReturn Leave(OsReturn back) => TryDeliver(back, Mask, out OsReturn signalled) ? signalled : back;

    /// <summary>get_signal and handle_signal, for the lowest pending number that <paramref name="mask"/> lets through.</summary>
    private bool TryDeliver(OsReturn back, ulong mask, out OsReturn signalled)
    {
        signalled = default;
        int[] ready = [.. Pending.Where(signal => (SignalNumber.Bit(signal) & mask) == 0).Order()];
        if (ready.Length == 0)
        {
            return false;
        }

        int signal = ready[0];
        Pending.Remove(signal);
        Assert.True(Actions[signal].HasHandler, "a signal without a handler ends the model's process");
        Assert.Equal(ulong.MaxValue, Actions[signal].Mask);
        ulong frame = FrameTop - FrameStep;
        Assert.Empty(contexts);
        Span<byte> bytes = CallMachine.Os(frame, 176);
        bytes.Clear();
        MemoryMarshal.Write(bytes, signal);
        MemoryMarshal.Write(bytes[168..], Mask);
        contexts.Push((frame, back));
        Mask = ulong.MaxValue & ~SignalNumber.Unblockable;
        signalled = new OsReturn { Offset = BufferLayout.GateSignal, Result = (ulong)signal, Stack = frame };
        return true;
    }

    private void MaybeSend()
    {
        if (random.Next(100) < Chance)
        {
            Send(Numbers[random.Next(Numbers.Length)]);
        }
    }
}

