using System;

namespace BlackBox.Shield;

/// <summary>Calls that make, copy and end descriptors.</summary>
internal static class DescriptorCalls
{
    private const uint RangeUnshare = 2;
    private const uint RangeCloseOnExec = 4;

    public static long Duplicate(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        if (!Descriptors.TryFind(ref thread, a[0], out Handle<OpenFile> file))
        {
            return -Errno.EBADF;
        }

        OpenFiles.AddReference(file);
        return Descriptors.Record(ref thread, Gate.Call(ref thread, Sys.dup, a[0]), file, closeOnExec: false);
    }

    /// <summary>
    /// dup3 keeps the old file under the number until Linux has put the new one there, and never makes the number look closed in between.
    /// A program that uses the number at that very moment may be served by either, as with Linux.
    /// </summary>
    public static long DuplicateOver(ref Thread thread, ref CallArguments a)
    {
        uint number = (uint)a[1];
        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        if (((uint)a[2] & ~OpenFlags.CloseOnExec) != 0 || (uint)a[0] == number)
        {
            return -Errno.EINVAL;
        }

        if (number >= DescriptorPages.Limit || !Descriptors.TryFind(ref thread, a[0], out Handle<OpenFile> file))
        {
            return -Errno.EBADF;
        }

        if (!DescriptorPages.TryPrepare(ref Descriptors.Table(ref thread), (int)number))
        {
            return -Errno.ENOMEM;
        }

        OpenFiles.AddReference(file);
        long result = Gate.Call(ref thread, Sys.dup3, a[0], number, a[2]);
        if (result != number)
        {
            OpenFiles.Release(file);
            return result >= 0 ? PlainCall.Lie() : PlainCall.Checked(result);
        }

        ref DescriptorTable table = ref Descriptors.Table(ref thread);
        bool replaced = DescriptorPages.TryClose(ref table, number, out Handle<OpenFile> old);
        DescriptorPages.Open(ref table, (int)number, file, ((uint)a[2] & OpenFlags.CloseOnExec) != 0);
        if (replaced)
        {
            OpenFiles.Release(old);
        }

        return number;
    }

    /// <summary>
    /// The number is free here before Linux frees it, since another thread may get it from Linux at once. A call of another thread
    /// that uses the file keeps it.
    /// </summary>
    public static long Close(ref Thread thread, ref CallArguments a)
    {
        if (!DescriptorPages.TryClose(ref Descriptors.Table(ref thread), (uint)a[0], out Handle<OpenFile> file))
        {
            return -Errno.EBADF;
        }

        long result = PlainCall.CheckedZero(Gate.Call(ref thread, Sys.close, a[0]));
        OpenFiles.Release(file);

        // Linux never asks for a close to be made again: the number may be somebody else's by then.
        return result == -Errno.ERESTARTSYS ? -Errno.EINTR : result;
    }

    public static long CloseRange(ref Thread thread, ref CallArguments a)
    {
        uint first = (uint)a[0];
        uint last = (uint)a[1];
        uint flags = (uint)a[2];
        if ((flags & ~(RangeUnshare | RangeCloseOnExec)) != 0 || first > last)
        {
            return -Errno.EINVAL;
        }

        ref Process process = ref Pool<Process>.Get(thread.Process);
        if ((flags & RangeUnshare) != 0
            && !(Frames.Reserve(ref thread, (Descriptors.Table(ref thread).Count / 64) + Descriptors.WorkFrames) && DescriptorTables.TryUnshare(ref process)))
        {
            return -Errno.ENOMEM;
        }

        ref DescriptorTable table = ref Descriptors.Table(ref thread);
        int number = (int)Math.Min(first, (uint)table.Top);
        while (DescriptorPages.TryNext(ref table, ref number, out _) && (uint)number <= last)
        {
            if ((flags & RangeCloseOnExec) != 0)
            {
                DescriptorPages.SetCloseOnExec(ref table, (ulong)number, true);
            }
            else if (DescriptorPages.TryClose(ref table, (ulong)number, out Handle<OpenFile> file))
            {
                OpenFiles.Release(file);
            }

            number++;
        }

        long result = PlainCall.CheckedZero(Gate.Call(ref thread, Sys.close_range, first, last, flags));
        return result == -Errno.ERESTARTSYS ? 0 : result;
    }

    public static long EventDescriptor(ref Thread thread, ref CallArguments a) => Make(ref thread, Sys.eventfd2, ref a, 2, (uint)a[1]);

    public static long Epoll(ref Thread thread, ref CallArguments a) => Make(ref thread, Sys.epoll_create1, ref a, 1, (uint)a[0]);

    public static long Notify(ref Thread thread, ref CallArguments a) => Make(ref thread, Sys.inotify_init1, ref a, 1, (uint)a[0]);

    public static long Timer(ref Thread thread, ref CallArguments a) => Make(ref thread, Sys.timerfd_create, ref a, 2, (uint)a[1]);

    public static long Socket(ref Thread thread, ref CallArguments a) => Make(ref thread, Sys.socket, ref a, 3, (uint)a[1]);

    /// <summary>A process descriptor always has close-on-exec.</summary>
    public static long ProcessDescriptor(ref Thread thread, ref CallArguments a) => Make(ref thread, Sys.pidfd_open, ref a, 2, OpenFlags.CloseOnExec);

    public static long Accept(ref Thread thread, ref CallArguments a)
    {
        bool flagged = (Sys)thread.Registers.X[8] == Sys.accept4;
        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        return RecordNamed(ref thread, SocketCalls.Accept(ref thread, ref a), flagged ? (uint)a[3] : 0);
    }

    public static long MessageQueue(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        // mq_open sets close-on-exec in any case (ipc/mqueue.c).
        return Descriptors.RecordClear(ref thread, Forwarder.Forward(ref thread, Sys.mq_open, ref a, CallTable.Get((uint)Sys.mq_open)), closeOnExec: true);
    }

    public static long SignalDescriptor(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.Reserve(ref thread))
        {
            return -Errno.ENOMEM;
        }

        long result = Forwarder.Forward(ref thread, Sys.signalfd4, ref a, CallTable.Get((uint)Sys.signalfd4));

        // With a descriptor given, its mask changes and the answer is the same number.
        return (int)a[0] >= 0 ? (result < 0 || result == (int)a[0] ? result : PlainCall.Lie()) : Descriptors.RecordClear(ref thread, result, ((uint)a[3] & OpenFlags.CloseOnExec) != 0);
    }

    /// <summary>Forwards a call whose arguments are numbers and records the descriptor that comes back.</summary>
    private static long Make(ref Thread thread, Sys number, ref CallArguments a, int count, uint flags) =>
        Descriptors.Reserve(ref thread)
            ? Descriptors.RecordClear(ref thread, PlainCall.Values(ref thread, number, ref a, count), (flags & OpenFlags.CloseOnExec) != 0)
            : -Errno.ENOMEM;

    /// <summary>A handler that fails after Linux made the descriptor (EFAULT for the name) leaves it to Linux's table alone: nobody knows its number.</summary>
    private static long RecordNamed(ref Thread thread, long result, uint flags) =>
        Descriptors.RecordClear(ref thread, result, (flags & OpenFlags.CloseOnExec) != 0);
}
