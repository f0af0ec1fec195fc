using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>Calls whose arguments depend on a request number: served by list, everything else is refused.</summary>
internal static class ControlCalls
{
    public static long FileControl(ref Thread thread, ref CallArguments a)
    {
        switch ((uint)a[1])
        {
            // F_DUPFD F_GETFD F_GETFL F_GETOWN F_GETSIG
            case 0 or 1 or 3 or 9 or 11:
            // F_GETLEASE F_DUPFD_CLOEXEC F_SETPIPE_SZ F_GETPIPE_SZ F_GET_SEALS
            case 1025 or 1030 or 1031 or 1032 or 1034:
                long result = PlainCall.Values(ref thread, Sys.fcntl, ref a, 3);
                return result <= int.MaxValue ? result : PlainCall.Lie();

            // F_SETFD F_SETFL F_SETOWN F_SETSIG F_SETLEASE F_NOTIFY F_ADD_SEALS
            case 2 or 4 or 8 or 10 or 1024 or 1026 or 1033:
                return PlainCall.CheckedZero(PlainCall.Values(ref thread, Sys.fcntl, ref a, 3));

            // F_GETLK, F_OFD_GETLK: struct flock
            case 5 or 36:
                return PlainCall.InOut(ref thread, Sys.fcntl, ref a, 2, 32);

            // F_SETLK F_SETLKW F_OFD_SETLK F_OFD_SETLKW
            case 6 or 7 or 37 or 38:
                return PlainCall.In(ref thread, Sys.fcntl, ref a, 2, 32);

            // F_SETOWN_EX, F_GETOWN_EX: struct f_owner_ex; read and write hints: 64 bits
            case 15 or 1036 or 1038:
                return PlainCall.In(ref thread, Sys.fcntl, ref a, 2, 8);
            case 16 or 1035 or 1037:
                return PlainCall.Out(ref thread, Sys.fcntl, ref a, 2, 8);
            default:
                return -Errno.EINVAL;
        }
    }

    public static long DeviceControl(ref Thread thread, ref CallArguments a)
    {
        switch ((uint)a[1])
        {
            // TIOCGPTPEER answers a descriptor.
            case 0x5441:
                return PlainCall.Values(ref thread, Sys.ioctl, ref a, 3);

            // TCSBRK TCXONC TCFLSH TIOCSCTTY TIOCNOTTY TCSBRKP TIOCEXCL TIOCNXCL FIONCLEX FIOCLEX FICLONE
            case 0x5409 or 0x540A or 0x540B or 0x540E or 0x5422 or 0x5425 or 0x540C or 0x540D or 0x5450 or 0x5451 or 0x4004_9409:
                return PlainCall.CheckedZero(PlainCall.Values(ref thread, Sys.ioctl, ref a, 3));

            // TCGETS; TCSETS TCSETSW TCSETSF: struct termios
            case 0x5401:
                return PlainCall.Out(ref thread, Sys.ioctl, ref a, 2, 36);
            case 0x5402 or 0x5403 or 0x5404:
                return PlainCall.In(ref thread, Sys.ioctl, ref a, 2, 36);

            // TCGETS2; TCSETS2 TCSETSW2 TCSETSF2: struct termios2
            case 0x802C_542A:
                return PlainCall.Out(ref thread, Sys.ioctl, ref a, 2, 44);
            case 0x402C_542B or 0x402C_542C or 0x402C_542D:
                return PlainCall.In(ref thread, Sys.ioctl, ref a, 2, 44);

            // TIOCGWINSZ, TIOCSWINSZ: struct winsize
            case 0x5413:
                return PlainCall.Out(ref thread, Sys.ioctl, ref a, 2, 8);
            case 0x5414:
                return PlainCall.In(ref thread, Sys.ioctl, ref a, 2, 8);

            // TIOCGPGRP TIOCOUTQ FIONREAD TIOCGSID TIOCGPTN SIOCATMARK FIGETBSZ FS_IOC_GETFLAGS TIOCGEXCL TIOCGPTLCK: int
            case 0x540F or 0x5411 or 0x541B or 0x5429 or 0x8004_5430 or 0x8905 or 2 or 0x8008_6601 or 0x8004_5440 or 0x8004_5439:
                return PlainCall.Out(ref thread, Sys.ioctl, ref a, 2, 4);

            // TIOCSPGRP FIONBIO FIOASYNC TIOCSPTLCK TIOCPKT FS_IOC_SETFLAGS: int
            case 0x5410 or 0x5421 or 0x5452 or 0x4004_5431 or 0x5420 or 0x4008_6602:
                return PlainCall.In(ref thread, Sys.ioctl, ref a, 2, 4);

            // BLKGETSIZE64
            case 0x8008_1272:
                return PlainCall.Out(ref thread, Sys.ioctl, ref a, 2, 8);

            // SIOCGIFNAME FLAGS ADDR BRDADDR NETMASK METRIC MTU HWADDR INDEX: struct ifreq
            case 0x8910 or 0x8913 or 0x8915 or 0x8919 or 0x891B or 0x891D or 0x8921 or 0x8927 or 0x8933:
                return PlainCall.InOut(ref thread, Sys.ioctl, ref a, 2, 40);
            default:
                return -Errno.ENOTTY;
        }
    }

    public static long ProcessControl(ref Thread thread, ref CallArguments a)
    {
        ref Process process = ref Pool<Process>.Get(thread.Process);
        switch ((int)a[0])
        {
            // PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_GET_KEEPCAPS, PR_CAPBSET_READ/DROP, PR_SET/GET_SECUREBITS,
            // PR_SET/GET_TIMERSLACK, PR_CAP_AMBIENT
            case 1 or 7 or 8 or 23 or 24 or 27 or 28 or 29 or 30 or 47:
                return PlainCall.Values(ref thread, Sys.prctl, ref a, 5);

            // PR_GET_PDEATHSIG
            case 2:
                return PlainCall.Out(ref thread, Sys.prctl, ref a, 1, 4);

            // PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER
            case 36:
                return ProcessCalls.SetSubreaper(ref thread, ref a);
            case 37:
                return ProcessCalls.GetSubreaper(ref thread, ref a);

            // PR_GET_DUMPABLE, PR_SET_DUMPABLE: nothing dumps an enclave, the number is kept
            case 3:
                return process.Dumpable;
            case 4:
                if (a[1] > 1)
                {
                    return -Errno.EINVAL;
                }

                process.Dumpable = (int)a[1];
                return 0;

            // PR_SET_NAME, PR_GET_NAME
            case 15:
                return SetName(ref thread, a[1]);
            case 16:
                return PlainCall.Out(ref thread, Sys.prctl, ref a, 1, 16);

            // PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS
            case 38:
                long result = PlainCall.Values(ref thread, Sys.prctl, ref a, 5);
                if (result == 0)
                {
                    Pool<Process>.Get(thread.Process).NoNewPrivileges = true;
                }

                return result;
            case 39:
                return PlainCall.Values(ref thread, Sys.prctl, ref a, 5);

            // PR_GET_SECCOMP; PR_SET_THP_DISABLE, PR_GET_THP_DISABLE; PR_SET_PTRACER; PR_MCE_KILL: no effect here
            case 21 or 41 or 42 or 0x5961_6D61:
                return 0;

            // PR_SET_VMA (names of anonymous memory)
            case 0x5356_4D41:
                return 0;
            case 35:
                return -Errno.EPERM;
            default:
                return -Errno.EINVAL;
        }
    }

    public static long Limits(ref Thread thread, ref CallArguments a)
    {
        const int LimitBytes = 16;
        const ulong LimitStack = 3;
        SharedBuffer buffer = new(ref thread);
        ulong wanted = 0;
        int offset = 0;
        ulong old = 0;
        Span<byte> limits = stackalloc byte[LimitBytes];
        if (a[2] != 0 && (!UserMemory.TryRead(ref thread, a[2], limits) || !buffer.TryPut(limits, out wanted)))
        {
            return -Errno.EFAULT;
        }

        if (a[3] != 0)
        {
            _ = buffer.TryReserve(LimitBytes, out offset, out old);
        }

        long result = PlainCall.Checked(Gate.Call(ref thread, Sys.prlimit64, a[0], a[1], wanted, old));
        ref Process process = ref Pool<Process>.Get(thread.Process);
        if (result == 0 && a[2] != 0 && a[1] == LimitStack && ((int)a[0] == 0 || (int)a[0] == process.Pid))
        {
            process.StackLimit = BinaryPrimitives.ReadUInt64LittleEndian(limits);
        }

        return result == 0 && a[3] != 0 && !buffer.CopyOutToUser(ref thread, offset, a[3], LimitBytes) ? -Errno.EFAULT : result;
    }

    public static long CapabilityGet(ref Thread thread, ref CallArguments a) => Capability(ref thread, Sys.capget, ref a);

    public static long CapabilitySet(ref Thread thread, ref CallArguments a) => Capability(ref thread, Sys.capset, ref a);

    public static long SchedulerSet(ref Thread thread, ref CallArguments a)
    {
        // struct sched_attr begins with its size.
        const uint MinBytes = 48;
        const uint MaxBytes = 4096;
        if (!UserMemory.TryRead(ref thread, a[1], out uint size))
        {
            return -Errno.EFAULT;
        }

        size = size == 0 ? MinBytes : size;
        if (size is < MinBytes or > MaxBytes)
        {
            return -Errno.E2BIG;
        }

        SharedBuffer buffer = new(ref thread);
        return buffer.TryPutUser(ref thread, a[1], (int)size, out ulong place)
            ? PlainCall.Checked(Gate.Call(ref thread, Sys.sched_setattr, a[0], place, a[2]))
            : -Errno.EFAULT;
    }

    public static long SemaphoreControl(ref Thread thread, ref CallArguments a)
    {
        // IPC_RMID GETPID GETVAL GETNCNT GETZCNT SETVAL, with or without IPC_64.
        switch ((uint)a[2] & ~0x100u)
        {
            case 0 or 11 or 12 or 14 or 15 or 16:
                return PlainCall.Values(ref thread, Sys.semctl, ref a, 4);
            case 2:
                return PlainCall.Out(ref thread, Sys.semctl, ref a, 3, 104);
            default:
                return -Errno.EINVAL;
        }
    }

    private static long SetName(ref Thread thread, ulong address)
    {
        const int NameBytes = 16;
        Span<byte> name = stackalloc byte[NameBytes];
        if (!UserMemory.TryReadString(ref thread, address, name[..(NameBytes - 1)], out long length) && length == -Errno.EFAULT)
        {
            return length;
        }

        // Longer names are cut; nothing behind the NUL goes out.
        int used = length >= 0 ? (int)length : NameBytes - 1;
        name[used..].Clear();
        SharedBuffer buffer = new(ref thread);
        return buffer.TryPut(name, out ulong place) ? PlainCall.Checked(Gate.Call(ref thread, Sys.prctl, 15, place)) : -Errno.ENOMEM;
    }

    private static long Capability(ref Thread thread, Sys number, ref CallArguments a)
    {
        const uint VersionOne = 0x1998_0330;
        const uint VersionTwo = 0x2007_1026;
        const uint VersionThree = 0x2008_0522;
        const int HeaderBytes = 8;
        if (!UserMemory.TryRead(ref thread, a[0], out uint version))
        {
            return -Errno.EFAULT;
        }

        int bytes = version switch
        {
            VersionOne => 12,
            VersionTwo or VersionThree => 24,
            _ => 0,
        };
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(HeaderBytes, out int headerOffset, out ulong header);
        _ = buffer.TryReserve(24, out int dataOffset, out ulong data);
        if (!buffer.TryFillFromUser(ref thread, headerOffset, a[0], HeaderBytes)
            || (number == Sys.capset && !buffer.TryFillFromUser(ref thread, dataOffset, a[1], bytes)))
        {
            return -Errno.EFAULT;
        }

        long result = PlainCall.Checked(Gate.Call(ref thread, number, header, a[1] == 0 ? 0 : data));

        // An unknown version is answered by the one that Linux prefers.
        if (bytes == 0 && !buffer.CopyOutToUser(ref thread, headerOffset, a[0], 4))
        {
            return -Errno.EFAULT;
        }

        return result == 0 && number == Sys.capget && a[1] != 0 && !buffer.CopyOutToUser(ref thread, dataOffset, a[1], bytes)
            ? -Errno.EFAULT
            : result;
    }
}
