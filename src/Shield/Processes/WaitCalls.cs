namespace BlackBox.Shield;

/// <summary>
/// Waiting for children. Linux says who and when; what a child of this enclave ended with is known here and wins: no end is
/// invented, no exit code altered.
/// </summary>
internal static class WaitCalls
{
    private const int ResourceUsageBytes = 144;
    private const int SignalInformationBytes = 128;
    private const ulong WaitNoReap = 0x0100_0000;

    // Offsets and codes of SIGCHLD's siginfo.
    private const int InformationCode = 8;
    private const int InformationPid = 16;
    private const int InformationStatus = 24;
    private const int CodeExited = 1;
    private const int CodeKilled = 2;
    private const int CodeDumped = 3;

    public static long Wait4(ref Thread thread, ref CallArguments a)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(sizeof(int), out int statusOffset, out ulong status);
        _ = buffer.TryReserve(ResourceUsageBytes, out int usageOffset, out ulong usage);
        long result = PlainCall.Checked(
            Gate.Call(ref thread, Sys.wait4, a[0], status, a[2], a[3] == 0 ? 0 : usage));
        if (result <= 0)
        {
            return result;
        }

        int value = buffer.Take<int>(statusOffset);
        if (!ProcessNumbers.IsPlausible(result) || !TryConfirm((int)result, ref value, reap: true))
        {
            return -Errno.EIO;
        }

        bool written = (a[1] == 0 || UserMemory.TryWrite(ref thread, a[1], value))
            && (a[3] == 0 || buffer.CopyOutToUser(ref thread, usageOffset, a[3], ResourceUsageBytes));
        return written ? result : -Errno.EFAULT;
    }

    public static long WaitId(ref Thread thread, ref CallArguments a)
    {
        SharedBuffer buffer = new(ref thread);
        _ = buffer.TryReserve(SignalInformationBytes, out int offset, out ulong information);
        _ = buffer.TryReserve(ResourceUsageBytes, out int usageOffset, out ulong usage);
        buffer.Region(offset, SignalInformationBytes).Clear();
        long result = PlainCall.Checked(
            Gate.Call(ref thread, Sys.waitid, a[0], a[1], information, a[3], a[4] == 0 ? 0 : usage));
        if (result != 0)
        {
            return result < 0 ? result : -Errno.EIO;
        }

        int pid = buffer.Take<int>(offset + InformationPid);
        int code = buffer.Take<int>(offset + InformationCode);
        int status = buffer.Take<int>(offset + InformationStatus);
        if (pid != 0)
        {
            bool ended = code is CodeExited or CodeKilled or CodeDumped;
            int value = code == CodeExited ? (status & 0xFF) << 8 : ended ? (status & 0x7F) | (code == CodeDumped ? 0x80 : 0) : 0x7F;
            if (!TryConfirm(pid, ref value, (a[3] & WaitNoReap) == 0))
            {
                return -Errno.EIO;
            }

            if (ended)
            {
                code = (value & 0x7F) == 0 ? CodeExited : (value & 0x80) != 0 ? CodeDumped : CodeKilled;
                status = code == CodeExited ? value >> 8 : value & 0x7F;
            }
        }

        if (a[2] != 0)
        {
            // The rest (user number) is Linux's word anyway.
            bool written = buffer.CopyOutToUser(ref thread, offset, a[2], SignalInformationBytes)
                && UserMemory.TryWrite(ref thread, a[2] + InformationCode, code)
                && UserMemory.TryWrite(ref thread, a[2] + InformationPid, pid)
                && UserMemory.TryWrite(ref thread, a[2] + InformationStatus, status);
            if (!written)
            {
                return -Errno.EFAULT;
            }
        }

        return a[4] == 0 || buffer.CopyOutToUser(ref thread, usageOffset, a[4], ResourceUsageBytes) ? result : -Errno.EFAULT;
    }

    /// <summary>
    /// Compares a wait status with what is known of a process of this enclave; puts the true one in its place. False: the OS
    /// reports an end that has not been.
    /// </summary>
    private static bool TryConfirm(int pid, ref int status, bool reap)
    {
        bool stoppedOrContinued = (status & 0xFF) == 0x7F || status == 0xFFFF;
        if (stoppedOrContinued || !ProcessNumbers.TryFindProcess(pid, out Handle<Process> handle))
        {
            // Not of this enclave: processes that were given to its init from outside.
            return true;
        }

        ref Process process = ref Pool<Process>.Get(handle);
        if (process.State != ProcessState.Zombie)
        {
            return false;
        }

        if (process.StatusKnown)
        {
            // A signal's core flag is Linux's.
            status = (process.Status & 0x7F) != 0 ? process.Status | (status & 0x80) : process.Status;
        }
        else if ((status & 0x7F) == 0)
        {
            // It was killed, whatever Linux says; by which signal is unknown then.
            status = process.Status;
        }

        if (reap)
        {
            Pool<Process>.Free(handle);
        }

        return true;
    }
}
