using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>The calls about actions, masks and the alternate stack.</summary>
internal static partial class SignalCalls
{
    /// <summary>SS_AUTODISARM.</summary>
    public const ulong AutoDisarm = 1UL << 31;

    private const int SetBytes = 8;
    private const ulong MinimumStack = 5120;

    public static long Action(ref Thread thread, ref CallArguments a)
    {
        int signal = (int)a[0];
        SignalAction action = default;
        if (a[3] != SetBytes)
        {
            return -Errno.EINVAL;
        }

        if (a[1] != 0 && !UserMemory.TryRead(ref thread, a[1], out action))
        {
            return -Errno.EFAULT;
        }

        if (!SignalNumber.IsValid(signal) || (a[1] != 0 && (SignalNumber.Bit(signal) & SignalNumber.Unblockable) != 0))
        {
            return -Errno.EINVAL;
        }

        if (a[1] != 0)
        {
            SignalAction old = SignalEntry.Actions(ref thread).Of(signal);
            action.Mask &= ~SignalNumber.Unblockable;
            action.Flags &= SignalAction.Known;

            // In place before Linux knows: it may deliver at once.
            SignalEntry.Actions(ref thread).Of(signal) = action;
            long result = Register(ref thread, signal, action);
            if (result != 0)
            {
                SignalEntry.Actions(ref thread).Of(signal) = old;
                return result;
            }

            if (signal == SignalNumber.Child)
            {
                ProcessTree.DoubtZombies(Pool<Process>.Get(thread.Process).Actions);
            }

            if (action.Handler == SignalAction.Ignore || (action.Handler == SignalAction.Default && SignalNumber.IsIgnoredByDefault(signal)))
            {
                DropPending(ref thread, signal);
            }

            return a[2] == 0 || UserMemory.TryWrite(ref thread, a[2], old) ? 0 : -Errno.EFAULT;
        }

        return a[2] == 0 || UserMemory.TryWrite(ref thread, a[2], SignalEntry.Actions(ref thread).Of(signal)) ? 0 : -Errno.EFAULT;
    }

    /// <summary>SA_RESETHAND at a delivery: the handler goes, flags and mask stay (Linux: get_signal).</summary>
    public static void Reset(ref Thread thread, int signal)
    {
        ref SignalAction action = ref SignalEntry.Actions(ref thread).Of(signal);
        action.Handler = SignalAction.Default;
        if (!SignalNumber.IsSynchronous(signal))
        {
            _ = Register(ref thread, signal, action);
        }
    }

    /// <summary>Ignoring a signal drops it where it waits, in every thread.</summary>
    private static void DropPending(ref Thread thread, int signal)
    {
        for (Handle<Thread> at = Pool<Process>.Get(thread.Process).Threads; !at.IsNull; at = Pool<Thread>.Get(at).Next)
        {
            SignalQueue.Drop(ref Pool<Thread>.Get(at), signal);
        }
    }

    public static long ProcessMask(ref Thread thread, ref CallArguments a)
    {
        const int Block = 0;
        const int Unblock = 1;
        const int Set = 2;
        if (a[3] != SetBytes)
        {
            return -Errno.EINVAL;
        }

        ulong old = thread.Signals.Mask;
        if (a[1] != 0)
        {
            if (!UserMemory.TryRead(ref thread, a[1], out ulong set))
            {
                return -Errno.EFAULT;
            }

            switch ((int)a[0])
            {
                case Block: set |= old; break;
                case Unblock: set = old & ~set; break;
                case Set: break;
                default: return -Errno.EINVAL;
            }

            thread.Signals.Mask = set & ~SignalNumber.Unblockable;
            SignalEntry.SynchroniseMask(ref thread);
        }

        return a[2] == 0 || UserMemory.TryWrite(ref thread, a[2], old) ? 0 : -Errno.EFAULT;
    }

    public static long AlternateStack(ref Thread thread, ref CallArguments a)
    {
        ref SignalState state = ref thread.Signals;
        Span<byte> old = stackalloc byte[24];
        old.Clear();
        SignalFrame.WriteStack(ref state, old, SignalFrame.StackState(ref state, thread.Registers.Sp));
        if (a[0] != 0)
        {
            Span<byte> bytes = stackalloc byte[24];
            if (!UserMemory.TryRead(ref thread, a[0], bytes))
            {
                return -Errno.EFAULT;
            }

            if (SignalFrame.IsOnStack(ref state, thread.Registers.Sp))
            {
                return -Errno.EPERM;
            }

            long result = SetStack(ref state, bytes);
            if (result != 0)
            {
                return result;
            }
        }

        return a[1] == 0 || UserMemory.TryWrite(ref thread, a[1], old) ? 0 : -Errno.EFAULT;
    }

    /// <summary>The alternate stack as a frame has it (its errors are ignored, as in Linux).</summary>
    public static void RestoreStack(ref Thread thread, ReadOnlySpan<byte> bytes)
    {
        if (!SignalFrame.IsOnStack(ref thread.Signals, thread.Registers.Sp))
        {
            _ = SetStack(ref thread.Signals, bytes);
        }
    }

    public static long Return(ref Thread thread, ref CallArguments a)
    {
        _ = a;
        const int NotMapped = 1;
        ulong frame = thread.Registers.Sp;
        if (!SignalFrame.TryPop(ref thread))
        {
            SignalEntry.Raise(ref thread, SignalNumber.Segmentation, NotMapped, frame);
            return CallResult.NoReturn;
        }

        SignalEntry.SynchroniseMask(ref thread);
        return CallResult.NoReturn;
    }

    private static long SetStack(ref SignalState state, ReadOnlySpan<byte> bytes)
    {
        ulong address = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        ulong flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        ulong mode = flags & ~AutoDisarm;
        if (mode == SignalState.StackDisabled)
        {
            state.StackAddress = 0;
            state.StackBytes = 0;
            state.StackFlags = flags;
            return 0;
        }

        if (mode > 1)
        {
            return -Errno.EINVAL;
        }

        if (size < MinimumStack)
        {
            return -Errno.ENOMEM;
        }

        state.StackAddress = address;
        state.StackBytes = size;
        state.StackFlags = flags;
        return 0;
    }

    /// <summary>
    /// Registers with Linux what stands for the action: the gate in place of a handler, everything blocked while the thread
    /// is in Linux's frame. Synchronous signals stay Linux's default: they never come from there.
    /// </summary>
    private static long Register(ref Thread thread, int signal, in SignalAction action)
    {
        SignalAction own = new() { Handler = action.Handler, Flags = action.Flags & (SignalAction.NoChildStop | SignalAction.NoChildWait | SignalAction.Restart) };
        if (action.HasHandler)
        {
            if (SignalNumber.IsSynchronous(signal))
            {
                own.Handler = SignalAction.Default;
            }
            else
            {
                own.Handler = thread.OsGate + BufferLayout.GateSignal;
                own.Flags |= SignalAction.Information | SignalAction.OnStack | SignalAction.RestorerGiven;
                own.Restorer = thread.OsGate;
                own.Mask = ulong.MaxValue;
            }
        }

        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPut(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref own, 1)), out ulong address))
        {
            return -Errno.ENOMEM;
        }

        long result = Gate.Call(ref thread, Sys.rt_sigaction, (ulong)signal, address, 0, SetBytes);
        return result == 0 || Errno.IsError(result) || result == -Errno.Dying ? result : -Errno.EIO;
    }
}
