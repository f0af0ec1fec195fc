using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>Where the rest of the shield meets the signals.</summary>
internal static partial class SignalEntry
{
    /// <summary>Linux's frame: siginfo, then ucontext with uc_sigmask at 40 (arch/arm64/kernel/signal.c).</summary>
    private const int OsFrameMask = SignalInformation.Bytes + 40;
    private const int OsFrameBytes = OsFrameMask + 8;

    /// <summary>
    /// Linux delivered a signal to the gate: copies what stands in its frame at OS address <paramref name="frame"/>
    /// (in the thread's shared buffer), queues the signal, writes the mask that must hold while the handler runs into
    /// uc_sigmask. The caller forwards rt_sigreturn afterwards. Under the lock; no call to the OS.
    /// A signal that the OS has no right to send (a synchronous one, one without a handler) is dropped.
    /// </summary>
    public static void Take(ref Thread thread, int signal, ulong frame)
    {
        ulong offset = frame - thread.OsBuffer;
        if (offset < (ulong)thread.SignalStackOffset || offset > (ulong)(thread.SignalStackOffset + thread.SignalStackBytes - OsFrameBytes))
        {
            return;
        }

        Span<byte> bytes = Hardware.Memory(thread.BufferAddress + offset, OsFrameBytes);
        ref SignalState state = ref thread.Signals;
        if (SignalNumber.IsValid(signal) && !SignalNumber.IsSynchronous(signal))
        {
            SignalInformation information = default;
            bytes[..SignalInformation.Bytes].CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref information, 1)));
            information[0] = (information[0] & 0xFFFF_FFFF_0000_0000) | (uint)signal;
            ref SignalAction action = ref Actions(ref thread).Of(signal);
            if (action.HasHandler && SignalQueue.TryAdd(ref thread, signal, information) && (state.Mask & SignalNumber.Bit(signal)) == 0)
            {
                state.OsMask = HandlerMask(state.Mask, signal, ref action);
            }
        }
        else
        {
            Refused++;
        }

        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref state.OsMask, 1)).CopyTo(bytes[OsFrameMask..]);
    }

    /// <summary>Signals that the OS had no right to send.</summary>
    public static ulong Refused { get; private set; }

    /// <summary>Whether a signal waits that may be delivered now.</summary>
    public static bool IsPending(ref Thread thread) =>
        thread.Signals.Count != 0 && (SignalQueue.Pending(ref thread) & ~thread.Signals.Mask) != 0;

    /// <summary>
    /// Before the return to EL0: delivers waiting signals by changing the program's registers and stack (each nested in the one
    /// before, as Linux does), and brings Linux's mask in line. <paramref name="restart"/>: the interrupted call asks to be
    /// made again (registers already point at its SVC).
    /// </summary>
    public static void Deliver(ref Thread thread, bool restart)
    {
        _ = restart;
        while (SignalQueue.TryTake(ref thread, thread.Signals.Mask, out int signal, out SignalInformation information))
        {
            SignalAction action = Actions(ref thread).Of(signal);
            if (!action.HasHandler)
            {
                // The handler was removed after Linux delivered: what is not ignored is Linux's to act on.
                if (action.Handler == SignalAction.Default && !SignalNumber.IsIgnoredByDefault(signal))
                {
                    SynchroniseMask(ref thread);
                    _ = Gate.Call(ref thread, Sys.tgkill, (ulong)Pool<Process>.Get(thread.Process).Pid, (ulong)thread.Tid, (ulong)signal);
                }

                continue;
            }

            if (!SignalFrame.TryPush(ref thread, signal, information, action))
            {
                Exits.KillBySignal(ref thread, SignalNumber.Segmentation);
                return;
            }

            thread.Signals.Mask = HandlerMask(thread.Signals.Mask, signal, ref action);
            thread.Signals.HasSavedMask = false;
            if ((action.Flags & SignalAction.ResetHandler) != 0)
            {
                SignalCalls.Reset(ref thread, signal);
            }
        }

        if (thread.Signals.HasSavedMask)
        {
            thread.Signals.Mask = thread.Signals.SavedMask;
            thread.Signals.HasSavedMask = false;
        }

        SynchroniseMask(ref thread);
    }

    /// <summary>
    /// A synchronous signal of the thread itself (SEGV, BUS, ILL, FPE, TRAP) from the shield's exception handling.
    /// Blocked, ignored or without a handler it ends the process.
    /// </summary>
    public static void Raise(ref Thread thread, int signal, int code, ulong address)
    {
        SignalInformation information = SignalInformation.Make(signal, code, address);
        thread.Signals.FaultAddress = address;
        thread.Signals.FaultSyndrome = thread.Registers.Syndrome;
        SignalAction action = Actions(ref thread).Of(signal);
        if (!action.HasHandler || (thread.Signals.Mask & SignalNumber.Bit(signal)) != 0
            || !SignalFrame.TryPush(ref thread, signal, information, action))
        {
            Exits.KillBySignal(ref thread, signal);
            return;
        }

        thread.Signals.Mask = HandlerMask(thread.Signals.Mask, signal, ref action);
        if ((action.Flags & SignalAction.ResetHandler) != 0)
        {
            SignalCalls.Reset(ref thread, signal);
        }

        SynchroniseMask(ref thread);
    }

    /// <summary>A call with a mask of its own (ppoll, pselect6, epoll_pwait, rt_sigsuspend) begins: Linux gets the mask with the call.</summary>
    public static void BeginTemporaryMask(ref Thread thread, ulong mask)
    {
        thread.Signals.SavedMask = thread.Signals.Mask;
        thread.Signals.HasSavedMask = true;
        thread.Signals.Mask = mask & ~SignalNumber.Unblockable;
    }

    /// <summary>The call is over. With a signal to deliver the temporary mask stays until its frame holds the saved one.</summary>
    public static void EndTemporaryMask(ref Thread thread)
    {
        if (thread.Signals.HasSavedMask && !IsPending(ref thread))
        {
            thread.Signals.Mask = thread.Signals.SavedMask;
            thread.Signals.HasSavedMask = false;
        }
    }

    /// <summary>Signal state of a new thread: the mask is inherited, nothing is pending; the alternate stack only by fork and vfork.</summary>
    public static void Inherit(ref Thread parent, ref Thread child, ulong cloneFlags)
    {
        const ulong CloneMemory = 0x100;
        const ulong CloneVfork = 0x4000;
        child.Signals = default;
        child.Signals.Mask = parent.Signals.Mask;
        child.Signals.OsMask = parent.Signals.OsMask;
        if ((cloneFlags & (CloneMemory | CloneVfork)) != CloneMemory)
        {
            child.Signals.StackAddress = parent.Signals.StackAddress;
            child.Signals.StackBytes = parent.Signals.StackBytes;
            child.Signals.StackFlags = parent.Signals.StackFlags;
        }
    }

    /// <summary>A thread ends: drops what it holds.</summary>
    public static void Release(ref Thread thread) => SignalQueue.Clear(ref thread);

    /// <summary>The table for a child: the same one (CLONE_SIGHAND) or a copy.</summary>
    public static bool TryCloneActions(ref Process parent, bool share, out Handle<SignalActions> actions)
    {
        if (share && !parent.Actions.IsNull)
        {
            actions = parent.Actions;
            Pool<SignalActions>.Get(actions).Users++;
            return true;
        }

        if (!Pool<SignalActions>.TryAdd(out actions))
        {
            return false;
        }

        ref SignalActions copy = ref Pool<SignalActions>.Get(actions);
        if (!parent.Actions.IsNull)
        {
            copy = Pool<SignalActions>.Get(parent.Actions);
        }

        copy.Users = 1;
        return true;
    }

    public static void ReleaseActions(Handle<SignalActions> actions)
    {
        if (!actions.IsNull && --Pool<SignalActions>.Get(actions).Users == 0)
        {
            Pool<SignalActions>.Free(actions);
        }
    }

    /// <summary>execve: handlers go back to default, ignored signals stay ignored, no alternate stack. Linux does the same on its side.</summary>
    public static void ResetForExec(ref Thread thread)
    {
        ref SignalActions actions = ref Actions(ref thread);
        for (int signal = 1; signal <= SignalNumber.Last; signal++)
        {
            ref SignalAction action = ref actions.Of(signal);
            action = new SignalAction { Handler = action.Handler == SignalAction.Ignore ? SignalAction.Ignore : SignalAction.Default };
        }

        thread.Signals.StackAddress = 0;
        thread.Signals.StackBytes = 0;
        thread.Signals.StackFlags = 0;
        SignalQueue.Clear(ref thread);
    }

    internal static ref SignalActions Actions(ref Thread thread) => ref Pool<SignalActions>.Get(Pool<Process>.Get(thread.Process).Actions);

    /// <summary>Tells Linux the mask when it has another one.</summary>
    internal static void SynchroniseMask(ref Thread thread)
    {
        const ulong SetMask = 2;
        while (thread.Signals.OsMask != thread.Signals.Mask && !thread.Dying)
        {
            ulong wanted = thread.Signals.Mask;
            SharedBuffer buffer = new(ref thread);
            if (!buffer.TryPut(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref wanted, 1)), out ulong address))
            {
                return;
            }

            // What Linux delivers on the way back from this call is taken by the gate and changes OsMask again.
            thread.Signals.OsMask = wanted;
            if (Gate.Call(ref thread, Sys.rt_sigprocmask, SetMask, address, 0, sizeof(ulong)) != 0)
            {
                return;
            }
        }
    }

    private static ulong HandlerMask(ulong mask, int signal, ref SignalAction action)
    {
        ulong blocked = mask | action.Mask;
        if ((action.Flags & SignalAction.NoDefer) == 0)
        {
            blocked |= SignalNumber.Bit(signal);
        }

        return blocked & ~SignalNumber.Unblockable;
    }
}
