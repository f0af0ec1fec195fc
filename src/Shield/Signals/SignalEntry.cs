using System;
using System.Runtime.CompilerServices;
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
        // The address is the OS's: only what lies in the area for frames is looked at (none: the header named no area).
        ulong offset = frame - thread.OsBuffer;
        if (thread.SignalStackBytes < OsFrameBytes || offset < (ulong)thread.SignalStackOffset
            || offset > (ulong)(thread.SignalStackOffset + thread.SignalStackBytes - OsFrameBytes))
        {
            Refused++;
            return;
        }

        Span<byte> bytes = Hardware.Memory(thread.BufferAddress + offset, OsFrameBytes);
        ref SignalState state = ref thread.Signals;
        if (SignalNumber.IsValid(signal) && ((SignalNumber.Bit(signal) & SignalNumber.Unblockable) == 0) && !SignalNumber.IsSynchronous(signal))
        {
            SignalInformation information = default;
            bytes[..SignalInformation.Bytes].CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref information, 1)));
            information[0] = (information[0] & 0xFFFF_FFFF_0000_0000) | (uint)signal;
            ref SignalAction action = ref Actions(ref thread).Of(signal);
            bool isFirst = !IsPending(ref thread);
            if (action.HasHandler)
            {
                // Queued already (a standard signal) is as good as queued now: its mask holds either way.
                _ = SignalQueue.TryAdd(ref thread, signal, information);
                if ((state.Mask & SignalNumber.Bit(signal)) == 0)
                {
                    ulong mask = HandlerMask(state.Mask, signal, ref action);
                    state.OsMask = isFirst ? mask : state.OsMask | mask;
                }
            }
            else if (action.Handler == SignalAction.Default && !SignalNumber.IsIgnoredByDefault(signal))
            {
                // The handler went between Linux's look at it and now: Deliver leaves the signal to Linux.
                _ = SignalQueue.TryAdd(ref thread, signal, information);
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPending(ref Thread thread) =>
        thread.Signals.Count != 0 && (SignalQueue.Pending(ref thread) & ~thread.Signals.Mask) != 0;

    /// <summary>Whether <see cref="Deliver"/> has something to do: a signal, a mask to go back to, or Linux has another mask.</summary>
    public static bool HasWork(ref Thread thread) =>
        IsPending(ref thread) || thread.Signals.HasSavedMask || thread.Signals.OsMask != thread.Signals.Mask;

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
                FailFrame(ref thread, signal);
                return;
            }

            Enter(ref thread, signal, ref action);
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
        thread.Signals.FaultSyndrome = VisibleSyndrome(thread.Registers.Syndrome, address);
        SignalAction action = Actions(ref thread).Of(signal);
        if (!action.HasHandler || (thread.Signals.Mask & SignalNumber.Bit(signal)) != 0)
        {
            Exits.KillBySignal(ref thread, signal);
            return;
        }

        if (!SignalFrame.TryPush(ref thread, signal, information, action))
        {
            FailFrame(ref thread, signal);
            return;
        }

        Enter(ref thread, signal, ref action);
        SynchroniseMask(ref thread);
    }

    /// <summary>The frame stands: the mask of the handler holds, and SA_RESETHAND has its effect.</summary>
    private static void Enter(ref Thread thread, int signal, ref SignalAction action)
    {
        thread.Signals.Mask = HandlerMask(thread.Signals.Mask, signal, ref action);
        thread.Signals.HasSavedMask = false;
        if ((action.Flags & SignalAction.ResetHandler) != 0)
        {
            SignalCalls.Reset(ref thread, signal);
        }
    }

    /// <summary>
    /// There is no place for the frame (Linux: force_sigsegv): SIGSEGV, which may have a handler on an alternate stack; if it was that
    /// signal, the process ends.
    /// </summary>
    private static void FailFrame(ref Thread thread, int signal)
    {
        const int FromKernel = 0x80;
        if (signal == SignalNumber.Segmentation)
        {
            Exits.KillBySignal(ref thread, SignalNumber.Segmentation);
            return;
        }

        Raise(ref thread, SignalNumber.Segmentation, FromKernel, 0);
    }

    /// <summary>
    /// The syndrome as the program may see it: of an address outside its half it does not tell what is mapped there (Linux:
    /// set_thread_esr).
    /// </summary>
    private static ulong VisibleSyndrome(ulong syndrome, ulong address)
    {
        const ulong ClassAndLength = 0xFE00_0000;
        const ulong MaintenanceAndWrite = 0x140;
        const ulong TranslationFault = 4;
        const ulong InstructionAbort = 0x20;
        const ulong DataAbort = 0x24;
        if (address < UserLayout.Top)
        {
            return syndrome;
        }

        return (syndrome >> 26) switch
        {
            DataAbort => (syndrome & (ClassAndLength | MaintenanceAndWrite)) | TranslationFault,
            InstructionAbort => (syndrome & ClassAndLength) | TranslationFault,
            _ => 0,
        };
    }

    /// <summary>A call with a mask of its own (ppoll, pselect6, epoll_pwait, rt_sigsuspend) begins: Linux gets the mask with the call.</summary>
    public static void BeginTemporaryMask(ref Thread thread, ulong mask)
    {
        thread.Signals.SavedMask = thread.Signals.Mask;
        thread.Signals.HasSavedMask = true;
        thread.Signals.Mask = mask & ~SignalNumber.Unblockable;
    }

    /// <summary>
    /// The call is over with <paramref name="result"/>. If a signal interrupted it, the temporary mask stays until the signal's frame
    /// holds the saved one; otherwise the saved one holds at once (Linux: restore_saved_sigmask_unless).
    /// </summary>
    public static void EndTemporaryMask(ref Thread thread, long result)
    {
        bool isInterrupted = result is -Errno.EINTR or -Errno.ERESTARTSYS && IsPending(ref thread);
        if (thread.Signals.HasSavedMask && !isInterrupted)
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

        // Signals that come until Linux has made the child change its mask: unknown, hence told at the child's first way out.
        child.Signals.OsMask = ~child.Signals.Mask;
        if ((cloneFlags & (CloneMemory | CloneVfork)) != CloneMemory)
        {
            child.Signals.StackAddress = parent.Signals.StackAddress;
            child.Signals.StackBytes = parent.Signals.StackBytes;
            child.Signals.StackFlags = parent.Signals.StackFlags;
        }
    }

    /// <summary>
    /// The first program has the mask and the ignored signals of whoever started it. They are the OS's word, as who starts a container is.
    /// </summary>
    public static void InheritFirst(ref Thread thread)
    {
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryReserve(System.Runtime.CompilerServices.Unsafe.SizeOf<SignalAction>(), out int offset, out ulong address))
        {
            return;
        }

        if (Gate.Call(ref thread, Sys.rt_sigprocmask, 0, 0, address, sizeof(ulong)) == 0)
        {
            thread.Signals.Mask = buffer.Take<ulong>(offset) & ~SignalNumber.Unblockable;
            thread.Signals.OsMask = thread.Signals.Mask;
        }

        for (int signal = 1; signal <= SignalNumber.Last; signal++)
        {
            if ((SignalNumber.Bit(signal) & SignalNumber.Unblockable) == 0
                && Gate.Call(ref thread, Sys.rt_sigaction, (ulong)signal, 0, address, sizeof(ulong)) == 0
                && buffer.Take<SignalAction>(offset).Handler == SignalAction.Ignore)
            {
                Actions(ref thread).Of(signal).Handler = SignalAction.Ignore;
            }
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

        // What is in the queue stays pending, as in Linux. Without a handler Deliver leaves it to Linux.
        thread.Signals.ResetStack();
        thread.Signals.FaultAddress = 0;
        thread.Signals.FaultSyndrome = 0;
    }

    internal static ref SignalActions Actions(ref Thread thread) => ref Pool<SignalActions>.Get(Pool<Process>.Get(thread.Process).Actions);

    /// <summary>
    /// Tells Linux the mask when it has another one. Not while a signal waits: then Linux has the mask of its handler, which
    /// <see cref="Deliver"/> makes the thread's on the way out.
    /// </summary>
    internal static void SynchroniseMask(ref Thread thread)
    {
        const ulong SetMask = 2;
        while (thread.Signals.OsMask != thread.Signals.Mask && !thread.Dying && !IsPending(ref thread))
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
