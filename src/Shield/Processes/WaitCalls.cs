using System;
using System.Buffers.Binary;

namespace BlackBox.Shield;

/// <summary>
/// Waiting for children. Linux says who and when; whose child a process is, and what it ended with, is known here and wins: no end is
/// invented or denied, no exit code altered, nobody else's number accepted. A lie is EIO.
/// </summary>
internal static class WaitCalls
{
    private const int ResourceUsageBytes = 144;
    private const int SignalInformationBytes = 128;

    // waitid's kinds of id (include/uapi/linux/wait.h).
    private const ulong AllChildren = 0;
    private const ulong OneProcess = 1;
    private const ulong OneGroup = 2;

    // Options of both calls.
    private const ulong NoHang = 1;
    private const ulong Stopped = 2;
    private const ulong Exited = 4;
    private const ulong Continued = 8;
    private const ulong NoReap = 0x0100_0000;

    // Offsets and codes of SIGCHLD's siginfo.
    private const int InformationCode = 8;
    private const int InformationPid = 16;
    private const int InformationUser = 20;
    private const int InformationStatus = 24;
    private const int CodeExited = 1;
    private const int CodeKilled = 2;
    private const int CodeDumped = 3;
    private const int CodeStopped = 5;
    private const int CodeContinued = 6;

    /// <summary>Results that could not be.</summary>
    public static ulong Lies { get; internal set; }

    public static long Wait4(ref Thread thread, ref CallArguments a)
    {
        int id = (int)a[0];
        WaitSelection selection = new()
        {
            Options = a[2] | Exited,
            Pid = Math.Max(id, 0),
            Group = id == 0 ? Pool<Process>.Get(thread.Process).Group : id < -1 ? unchecked(-id) : 0,
            IsGroup = id is 0 or < -1,
        };
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(sizeof(int), out int statusOffset, out ulong status);
        _ = buffer.TryReserve(ResourceUsageBytes, out int usageOffset, out ulong usage);
        Pool<Process>.Get(thread.Process).Waiting++;
        long result = PlainCall.Checked(
            Gate.Call(ref thread, Sys.wait4, a[0], status, a[2], a[3] == 0 ? 0 : usage));

        // What follows may call the OS again: the buffer is read before.
        int value = buffer.Take<int>(statusOffset);
        Span<byte> usageBytes = stackalloc byte[ResourceUsageBytes];
        buffer.CopyOut(usageOffset, usageBytes);
        bool good = result < 0 ? Waits.IsError(ref thread, selection, result)
            : result == 0 ? (a[2] & NoHang) != 0
            : Waits.TryConfirm(ref thread, selection, result, ref value, reap: true);
        Pool<Process>.Get(thread.Process).Waiting--;
        if (!good)
        {
            Lies++;
            return -Errno.EIO;
        }

        if (result <= 0)
        {
            return result;
        }

        bool written = (a[1] == 0 || UserMemory.TryWrite(ref thread, a[1], value))
            && (a[3] == 0 || UserMemory.TryWrite(ref thread, a[3], usageBytes));
        return written ? result : -Errno.EFAULT;
    }

    public static long WaitId(ref Thread thread, ref CallArguments a)
    {
        WaitSelection selection = new()
        {
            Options = a[3],
            Pid = a[0] == OneProcess ? (int)a[1] : 0,
            Group = a[0] != OneGroup ? 0 : (int)a[1] != 0 ? (int)a[1] : Pool<Process>.Get(thread.Process).Group,
            IsGroup = a[0] == OneGroup,
            IsOther = a[0] is not (AllChildren or OneProcess or OneGroup),
        };
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(SignalInformationBytes, out int offset, out ulong address);
        _ = buffer.TryReserve(ResourceUsageBytes, out int usageOffset, out ulong usage);
        buffer.Region(offset, SignalInformationBytes).Clear();
        Pool<Process>.Get(thread.Process).Waiting++;
        long result = PlainCall.Checked(
            Gate.Call(ref thread, Sys.waitid, a[0], a[1], address, a[3], a[4] == 0 ? 0 : usage));

        // One copy, of which a new structure is made; the user number is Linux's word.
        Span<byte> information = stackalloc byte[SignalInformationBytes];
        buffer.CopyOut(offset, information);
        Span<byte> usageBytes = stackalloc byte[ResourceUsageBytes];
        buffer.CopyOut(usageOffset, usageBytes);
        int pid = BinaryPrimitives.ReadInt32LittleEndian(information[InformationPid..]);
        int code = BinaryPrimitives.ReadInt32LittleEndian(information[InformationCode..]);
        int user = BinaryPrimitives.ReadInt32LittleEndian(information[InformationUser..]);
        int status = BinaryPrimitives.ReadInt32LittleEndian(information[InformationStatus..]);
        int value = ToWaitStatus(code, status);
        bool good = result < 0 ? Waits.IsError(ref thread, selection, result)
            : result == 0 && (pid == 0 ? (a[3] & NoHang) != 0 : Waits.TryConfirm(ref thread, selection, pid, ref value, (a[3] & NoReap) == 0));
        Pool<Process>.Get(thread.Process).Waiting--;
        if (!good)
        {
            Lies++;
            return -Errno.EIO;
        }

        if (result < 0)
        {
            return result;
        }

        information.Clear();
        if (pid != 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(information, ProcessNumbers.SigChld);
            BinaryPrimitives.WriteInt32LittleEndian(information[InformationPid..], pid);
            BinaryPrimitives.WriteInt32LittleEndian(information[InformationUser..], user);
            code = FromWaitStatus(value, out status);
            BinaryPrimitives.WriteInt32LittleEndian(information[InformationCode..], code);
            BinaryPrimitives.WriteInt32LittleEndian(information[InformationStatus..], status);
        }

        // Nobody was there: signal and number are zero, the rest stays as it was or is zero (Linux writes the first fields only).
        bool written = (a[2] == 0 || UserMemory.TryWrite(ref thread, a[2], information))
            && (a[4] == 0 || UserMemory.TryWrite(ref thread, a[4], usageBytes));
        return written ? 0 : -Errno.EFAULT;
    }

    /// <summary>A code and status of siginfo as wait4's status; what is none becomes one that is refused.</summary>
    private static int ToWaitStatus(int code, int status) => code switch
    {
        CodeExited when status is >= 0 and <= 0xFF => status << 8,
        CodeKilled when status is > 0 and < 0x7F => status,
        CodeDumped when status is > 0 and < 0x7F => status | WaitStatus.CoreDumped,
        CodeStopped when status is > 0 and <= 0xFF => (status << 8) | WaitStatus.StoppedMark,
        CodeContinued => WaitStatus.Continued,
        _ => -1,
    };

    private static int FromWaitStatus(int value, out int status)
    {
        const int SigContinue = 18;
        if (WaitStatus.IsStop(value))
        {
            status = value == WaitStatus.Continued ? SigContinue : value >> 8;
            return value == WaitStatus.Continued ? CodeContinued : CodeStopped;
        }

        status = (value & 0x7F) == 0 ? value >> 8 : value & 0x7F;
        return (value & 0x7F) == 0 ? CodeExited : (value & WaitStatus.CoreDumped) != 0 ? CodeDumped : CodeKilled;
    }
}
