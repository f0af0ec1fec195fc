using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>How the OS came back from a call: the registers that the monitor hands over.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OsReturn
{
    /// <summary>x0.</summary>
    public ulong Result;

    /// <summary>Gate offset: done, resume (restart) or signal.</summary>
    public ulong Offset;

    /// <summary>x8: differs from the call's number after restart_syscall.</summary>
    public ulong Number;

    /// <summary>SP: the signal frame, for a signal.</summary>
    public ulong Stack;
}

/// <summary>
/// The way to the OS. What it answers is a number that the caller has to find plausible; what it does to the flow of
/// control (restarts, signals) is interpreted here. The kernel lock is dropped while the OS runs.
/// </summary>
internal static class Gate
{
    /// <summary>Linux's restart_syscall: continues a call with the remaining time.</summary>
    private const uint RestartSyscall = 128;

    /// <summary>x8 with which the monitor answers a call that it did not forward, since a signal's frame was outstanding.</summary>
    private const ulong NotBegun = ulong.MaxValue;

    /// <summary>
    /// Forwards a call; arguments must not name private memory. Returns Linux's raw value, or -ERESTARTSYS when a signal
    /// has to be delivered before the call is made again, or -<see cref="Errno.Dying"/>.
    /// </summary>
    public static long Call(ref Thread thread, Sys number, ulong a0 = 0, ulong a1 = 0, ulong a2 = 0, ulong a3 = 0, ulong a4 = 0, ulong a5 = 0)
    {
        if (!TakeEvent(ref thread))
        {
            return -Errno.Dying;
        }

        // A signal that came before the call has its handler before the call waits for anything.
        bool mayWait = WaitingCalls.MayWait(number, a1);
        if (mayWait && SignalEntry.IsPending(ref thread))
        {
            return Interruption(ref thread);
        }

        Hardware.Forwarded++;
        ulong next = (ulong)number;
        while (true)
        {
            KernelLock.Release();
            Hardware.OsCall(next, a0, a1, a2, a3, a4, a5, out OsReturn back);
            KernelLock.Acquire();

            bool isBegun = back.Offset != BufferLayout.GateSignal || back.Number != NotBegun;
            bool signalled = back.Offset == BufferLayout.GateSignal && TakeSignals(ref thread, ref back);
            switch (back.Offset)
            {
                case BufferLayout.GateDone:
                    return (long)back.Result;
                case BufferLayout.GateResume:
                    if (signalled && SignalEntry.IsPending(ref thread) && (isBegun || mayWait))
                    {
                        return Interruption(ref thread);
                    }

                    // Only the two numbers that Linux itself would use: the same call, or its continuation.
                    next = isBegun && back.Number == RestartSyscall ? RestartSyscall : (ulong)number;
                    break;
                case BufferLayout.GateNever:
                    thread.Dying = true;
                    return -Errno.Dying;
                default:
                    Panic.Stop(PanicReason.Protocol, "unknown way back from the OS"u8);
                    break;
            }
        }
    }

    /// <summary>
    /// Result of a call that gives way to a handler: made again afterwards, unless it has a mask of its own, which is over with the
    /// handler (Linux: ERESTARTNOHAND).
    /// </summary>
    private static long Interruption(ref Thread thread) => thread.Signals.HasSavedMask ? -Errno.EINTR : -Errno.ERESTARTSYS;

    /// <summary>
    /// A request to the module. <paramref name="ranges"/>: entries that the caller wrote into the header before.
    /// Returns the module's result, or -<see cref="Errno.Dying"/>.
    /// </summary>
    public static long Service(ref Thread thread, Service operation, ulong a0 = 0, ulong a1 = 0, ulong a2 = 0, ulong ranges = 0)
    {
        if (!TakeEvent(ref thread))
        {
            return -Errno.Dying;
        }

        SharedBuffer.WriteHeader(ref thread, BufferLayout.Argument0, a0);
        SharedBuffer.WriteHeader(ref thread, BufferLayout.Argument1, a1);
        SharedBuffer.WriteHeader(ref thread, BufferLayout.Argument2, a2);
        SharedBuffer.WriteHeader(ref thread, BufferLayout.RangeCount, ranges);
        SharedBuffer.WriteHeader(ref thread, BufferLayout.Result, unchecked((ulong)-Errno.EIO));
        SharedBuffer.WriteHeader(ref thread, BufferLayout.Operation, (ulong)operation);
        while (true)
        {
            KernelLock.Release();
            Hardware.OsFault(thread.OsService, out OsReturn back);
            KernelLock.Acquire();

            _ = TakeSignals(ref thread, ref back);
            if (back.Offset == BufferLayout.GateNever)
            {
                thread.Dying = true;
                return -Errno.Dying;
            }

            // The fault is "made again" by Linux (gate + 4 of an abort is the same place); the module clears the operation when done.
            if (SharedBuffer.ReadHeader(ref thread, BufferLayout.Operation) != (ulong)operation)
            {
                long result = (long)SharedBuffer.ReadHeader(ref thread, BufferLayout.Result);
                return result is >= 0 and <= long.MaxValue || Errno.IsError(result) ? result : -Errno.EIO;
            }

            if (++thread.ServiceRounds > MaxServiceRounds)
            {
                thread.ServiceRounds = 0;
                return -Errno.EIO;
            }
        }
    }

    /// <summary>How often a service request may come back unserved (a signal interrupted it) before it counts as refused.</summary>
    private const int MaxServiceRounds = 1000;

    /// <summary>
    /// Fetches an event that the monitor has announced (virtual interrupt): a signal's frame is taken and undone, death is
    /// noted. False: the task is dying.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TakeEvent(ref Thread thread) => (!thread.Dying && !Hardware.IsEventPending) || FetchEvent(ref thread);

    private static bool FetchEvent(ref Thread thread)
    {
        while (!thread.Dying && Hardware.IsEventPending)
        {
            ulong bits = Hardware.EventGet(out ulong signal, out ulong frame);
            if ((bits & BufferLayout.EventDying) != 0)
            {
                thread.Dying = true;
                break;
            }

            if ((bits & BufferLayout.EventSignal) == 0)
            {
                break;
            }

            OsReturn back = new() { Result = signal, Offset = BufferLayout.GateSignal, Stack = frame };
            _ = TakeSignals(ref thread, ref back);
            thread.Dying |= back.Offset == BufferLayout.GateNever;
        }

        return !thread.Dying;
    }

    /// <summary>
    /// As long as the OS came back with a signal: hands it to the signal part and forwards rt_sigreturn, after which the
    /// OS is where it was before the signal, and comes back with that. A signal that comes before rt_sigreturn is begun has put its
    /// frame on top of the other: each needs its own. True if there was any.
    /// </summary>
    private static bool TakeSignals(ref Thread thread, ref OsReturn back)
    {
        bool any = back.Offset == BufferLayout.GateSignal;
        int frames = any ? 1 : 0;
        while (frames > 0)
        {
            // A thread that ends has no use for it any more; process-wide signals were blocked before.
            if (back.Offset == BufferLayout.GateSignal && thread.State != ThreadState.Ended)
            {
                SignalEntry.Take(ref thread, (int)Math.Min(back.Result, 65), back.Stack);
            }

            KernelLock.Release();
            Hardware.OsCall((ulong)Sys.rt_sigreturn, 0, 0, 0, 0, 0, 0, out back);
            KernelLock.Acquire();
            if (back.Offset == BufferLayout.GateNever)
            {
                break;
            }

            bool isSignal = back.Offset == BufferLayout.GateSignal;
            frames += isSignal && back.Number == NotBegun ? 1 : isSignal ? 0 : -1;
        }

        return any;
    }
}
