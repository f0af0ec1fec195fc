using System;
using System.Runtime.InteropServices;

namespace BlackBox.Shield;

/// <summary>Calls that wait for signals or send them.</summary>
internal static partial class SignalCalls
{
    public static long Suspend(ref Thread thread, ref CallArguments a)
    {
        if (a[1] != SetBytes)
        {
            return -Errno.EINVAL;
        }

        if (!UserMemory.TryRead(ref thread, a[0], out ulong mask))
        {
            return -Errno.EFAULT;
        }

        SignalEntry.BeginTemporaryMask(ref thread, mask);
        mask = thread.Signals.Mask;
        SharedBuffer buffer = new(ref thread);
        if (SignalEntry.IsPending(ref thread) || !buffer.TryPut(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref mask, 1)), out ulong address))
        {
            return -Errno.EINTR;
        }

        long result = Gate.Call(ref thread, Sys.rt_sigsuspend, address, SetBytes);
        SignalEntry.EndTemporaryMask(ref thread, -Errno.EINTR);
        return result == -Errno.Dying ? result : -Errno.EINTR;
    }

    public static long Pending(ref Thread thread, ref CallArguments a)
    {
        if (a[1] > SetBytes)
        {
            return -Errno.EINVAL;
        }

        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryReserve(SetBytes, out int at, out ulong address))
        {
            return -Errno.ENOMEM;
        }

        long result = Gate.Call(ref thread, Sys.rt_sigpending, address, SetBytes);
        if (result != 0)
        {
            return Errno.IsError(result) ? result : -Errno.EIO;
        }

        ulong pending = 0;
        Span<byte> bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref pending, 1));
        buffer.CopyOut(at, bytes);
        pending = (pending | SignalQueue.Pending(ref thread)) & thread.Signals.Mask;
        return UserMemory.TryWrite(ref thread, a[0], bytes[..(int)a[1]]) ? 0 : -Errno.EFAULT;
    }

    public static long TimedWait(ref Thread thread, ref CallArguments a)
    {
        if (a[3] != SetBytes)
        {
            return -Errno.EINVAL;
        }

        Timespec time = default;
        if (!UserMemory.TryRead(ref thread, a[0], out ulong wanted) || (a[2] != 0 && !UserMemory.TryRead(ref thread, a[2], out time)))
        {
            return -Errno.EFAULT;
        }

        if (!time.IsValid)
        {
            return -Errno.EINVAL;
        }

        wanted &= ~SignalNumber.Unblockable;
        if (!SignalQueue.TryTake(ref thread, ~wanted, out int signal, out SignalInformation information))
        {
            SharedBuffer buffer = new(ref thread);
            ulong timeAddress = 0;
            if (!buffer.TryPut(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref wanted, 1)), out ulong setAddress)
                || !buffer.TryReserve(SignalInformation.Bytes, out int at, out ulong informationAddress)
                || (a[2] != 0 && !buffer.TryPut(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref time, 1)), out timeAddress)))
            {
                return -Errno.ENOMEM;
            }

            long result = Gate.Call(ref thread, Sys.rt_sigtimedwait, setAddress, informationAddress, timeAddress, SetBytes);
            if (result <= 0)
            {
                return result == 0 ? -Errno.EIO : result;
            }

            // A number that was not asked for is the OS's invention.
            if (result > SignalNumber.Last || (SignalNumber.Bit((int)result) & wanted) == 0)
            {
                return -Errno.EIO;
            }

            signal = (int)result;
            buffer.CopyOut(at, MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref information, 1)));
            information[0] = (information[0] & 0xFFFF_FFFF_0000_0000) | (uint)signal;
        }

        return a[1] == 0 || UserMemory.TryWrite(ref thread, a[1], information) ? signal : -Errno.EFAULT;
    }

    public static long Kill(ref Thread thread, ref CallArguments a) =>
        (int)a[0] == Pool<Process>.Get(thread.Process).Pid && IsHandledFault(ref thread, (int)a[1])
            ? RaiseOwn(ref thread, (int)a[1], FromProcess)
            : Gate.Call(ref thread, Sys.kill, a[0], a[1]);

    public static long TaskKill(ref Thread thread, ref CallArguments a) =>
        (int)a[0] == thread.Tid && IsHandledFault(ref thread, (int)a[1])
            ? RaiseOwn(ref thread, (int)a[1], FromThread)
            : Gate.Call(ref thread, Sys.tkill, a[0], a[1]);

    public static long ThreadGroupKill(ref Thread thread, ref CallArguments a) =>
        (int)a[0] == Pool<Process>.Get(thread.Process).Pid && (int)a[1] == thread.Tid && IsHandledFault(ref thread, (int)a[2])
            ? RaiseOwn(ref thread, (int)a[2], FromThread)
            : Gate.Call(ref thread, Sys.tgkill, a[0], a[1], a[2]);

    public static long QueueInformation(ref Thread thread, ref CallArguments a) =>
        SendInformation(ref thread, Sys.rt_sigqueueinfo, a[0], a[1], a[2], 0, informationArgument: 2);

    public static long ThreadGroupQueueInformation(ref Thread thread, ref CallArguments a) =>
        SendInformation(ref thread, Sys.rt_tgsigqueueinfo, a[0], a[1], a[2], a[3], informationArgument: 3);

    private static long SendInformation(ref Thread thread, Sys number, ulong a0, ulong a1, ulong a2, ulong a3, int informationArgument)
    {
        ulong from = informationArgument == 2 ? a2 : a3;
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPutUser(ref thread, from, SignalInformation.Bytes, out ulong address))
        {
            return -Errno.EFAULT;
        }

        return informationArgument == 2 ? Gate.Call(ref thread, number, a0, a1, address) : Gate.Call(ref thread, number, a0, a1, a2, address);
    }

    /// <summary>SI_USER and SI_TKILL.</summary>
    private const int FromProcess = 0;
    private const int FromThread = -6;

    /// <summary>
    /// A synchronous signal that the program handles: Linux does not know of the handler and would end the process, so one that a
    /// thread sends itself (raise(SIGSEGV)) stays here.
    /// </summary>
    private static bool IsHandledFault(ref Thread thread, int signal) =>
        SignalNumber.IsValid(signal) && SignalNumber.IsSynchronous(signal) && SignalEntry.Actions(ref thread).Of(signal).HasHandler;

    private static long RaiseOwn(ref Thread thread, int signal, int code)
    {
        SignalInformation information = SignalInformation.Make(signal, code, 0);
        information[2] = (uint)Pool<Process>.Get(thread.Process).Pid;

        // Pending already is no error.
        _ = SignalQueue.TryAdd(ref thread, signal, information);
        return 0;
    }
}
