using System;

namespace BlackBox.Shield;

/// <summary>fcntl and ioctl, as far as descriptors and the files that the enclave serves are concerned; the rest is <see cref="ControlCalls"/>.</summary>
internal static class FileControls
{
    private const uint DuplicateFrom = 0;
    private const uint GetDescriptorFlags = 1;
    private const uint SetDescriptorFlags = 2;
    private const uint GetStatusFlags = 3;
    private const uint SetStatusFlags = 4;
    private const uint DuplicateFromCloseOnExec = 1030;
    private const uint AddSeals = 1033;
    private const uint GetSeals = 1034;

    private const uint ForgetCloseOnExec = 0x5450;
    private const uint SetCloseOnExec = 0x5451;
    private const uint NonBlocking = 0x5421;
    private const uint BytesToRead = 0x541B;
    private const uint PeerTerminal = 0x5441;
    private const uint CloneFile = 0x4004_9409;

    public static long FileControl(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.TryFind(ref thread, a[0], out Handle<OpenFile> file))
        {
            return -Errno.EBADF;
        }

        switch ((uint)a[1])
        {
            case DuplicateFrom or DuplicateFromCloseOnExec:
                return DuplicateAbove(ref thread, ref a, file);
            case GetDescriptorFlags:
                _ = DescriptorPages.TryGet(ref Descriptors.Table(ref thread), (uint)a[0], out Descriptor descriptor);
                return descriptor.CloseOnExec ? 1 : 0;
            case SetDescriptorFlags:
                long result = ControlCalls.FileControl(ref thread, ref a);
                if (result >= 0)
                {
                    DescriptorPages.SetCloseOnExec(ref Descriptors.Table(ref thread), (uint)a[0], (a[2] & 1) != 0);
                }

                return result;
            case GetStatusFlags:
                long flags = ControlCalls.FileControl(ref thread, ref a);
                return flags >= 0 && IsLive(ref thread, a[0], OpenFileKind.Channel, out file)
                    ? (flags & ~OpenFlags.NonBlock) | (Pool<OpenFile>.Get(file).Flags & OpenFlags.NonBlock)
                    : flags;
            case SetStatusFlags:
                return SetFlags(ref thread, ref a, file);
            case AddSeals or GetSeals when Pool<OpenFile>.Get(file).Kind == OpenFileKind.Memory:
                ref OpenFile memory = ref Pool<OpenFile>.Get(file);
                return (uint)a[1] == GetSeals ? Pool<MemoryObject>.Get(memory.Object).Seals
                    : memory.IsWritable ? SharedObjects.AddSeals(memory.Object, (uint)a[2])
                    : -Errno.EPERM;
            default:
                return ControlCalls.FileControl(ref thread, ref a);
        }
    }

    public static long DeviceControl(ref Thread thread, ref CallArguments a)
    {
        if (!Descriptors.TryFind(ref thread, a[0], out Handle<OpenFile> file))
        {
            return -Errno.EBADF;
        }

        OpenFileKind kind = Pool<OpenFile>.Get(file).Kind;
        switch ((uint)a[1])
        {
            case SetCloseOnExec or ForgetCloseOnExec:
                long result = ControlCalls.DeviceControl(ref thread, ref a);
                if (result >= 0)
                {
                    DescriptorPages.SetCloseOnExec(ref Descriptors.Table(ref thread), (uint)a[0], (uint)a[1] == SetCloseOnExec);
                }

                return result;
            case NonBlocking when kind == OpenFileKind.Channel:
                // Linux's end never blocks; what the program wants is kept here.
                if (!UserMemory.TryRead(ref thread, a[2], out int on))
                {
                    return -Errno.EFAULT;
                }

                if (IsLive(ref thread, a[0], OpenFileKind.Channel, out file))
                {
                    ref OpenFile end = ref Pool<OpenFile>.Get(file);
                    end.Flags = on != 0 ? end.Flags | OpenFlags.NonBlock : end.Flags & ~OpenFlags.NonBlock;
                }

                return 0;
            case BytesToRead when kind is OpenFileKind.Protected or OpenFileKind.Memory:
                ref OpenFile pages = ref Pool<OpenFile>.Get(file);
                ulong size = Pool<MemoryObject>.Get(pages.Object).Size;
                int left = (int)Math.Min(size - Math.Min(size, pages.Position), int.MaxValue);
                return UserMemory.TryWrite(ref thread, a[2], left) ? 0 : -Errno.EFAULT;
            case CloneFile when kind != OpenFileKind.Clear || Descriptors.Kind(ref thread, a[2], out _) > OpenFileKind.Clear:
                return -Errno.EOPNOTSUPP;
            case PeerTerminal:
                return Descriptors.Reserve(ref thread)
                    ? Descriptors.RecordClear(ref thread, ControlCalls.DeviceControl(ref thread, ref a), (a[2] & OpenFlags.CloseOnExec) != 0)
                    : -Errno.ENOMEM;
            default:
                return ControlCalls.DeviceControl(ref thread, ref a);
        }
    }

    private static long DuplicateAbove(ref Thread thread, ref CallArguments a, Handle<OpenFile> file)
    {
        OpenFiles.AddReference(file);
        if (!Descriptors.Reserve(ref thread))
        {
            return Descriptors.Done(file, -Errno.ENOMEM);
        }

        long result = Gate.Call(ref thread, Sys.fcntl, a[0], a[1], a[2]);
        if (result >= 0 && result < (long)(uint)a[2])
        {
            return Descriptors.Done(file, PlainCall.Lie());
        }

        return Descriptors.Record(ref thread, result, file, (uint)a[1] == DuplicateFromCloseOnExec);
    }

    private static long SetFlags(ref Thread thread, ref CallArguments a, Handle<OpenFile> file)
    {
        uint wanted = (uint)a[2] & OpenFlags.Settable;
        bool channel = Pool<OpenFile>.Get(file).Kind == OpenFileKind.Channel;
        if (channel && (wanted & OpenFlags.Direct) != 0)
        {
            // Packet mode of pipes is not offered.
            return -Errno.EINVAL;
        }

        OpenFiles.AddReference(file);
        long result = PlainCall.CheckedZero(Gate.Call(ref thread, Sys.fcntl, a[0], SetStatusFlags, channel ? a[2] | OpenFlags.NonBlock : a[2]));
        if (result >= 0)
        {
            ref OpenFile end = ref Pool<OpenFile>.Get(file);
            end.Flags = (end.Flags & ~OpenFlags.Settable) | wanted;
        }

        return Descriptors.Done(file, result);
    }

    private static bool IsLive(ref Thread thread, ulong number, OpenFileKind kind, out Handle<OpenFile> file) =>
        Descriptors.Kind(ref thread, number, out file) == kind;
}
