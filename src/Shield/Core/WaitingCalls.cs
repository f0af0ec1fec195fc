namespace BlackBox.Shield;

/// <summary>Calls in which Linux may sleep for as long as it likes: a signal that waits for its handler must not wait for them.</summary>
internal static class WaitingCalls
{
    private const ulong FutexCommand = 0x7F;
    private const ulong FutexWait = 0;
    private const ulong FutexWaitBitset = 9;

    /// <summary>Whether the call may sleep; <paramref name="second"/> is its second argument (futex: the operation).</summary>
    public static bool MayWait(Sys number, ulong second)
    {
        switch (number)
        {
            case Sys.futex:
                return (second & FutexCommand) is FutexWait or FutexWaitBitset;
            case Sys.read:
            case Sys.readv:
            case Sys.write:
            case Sys.writev:
            case Sys.sendfile:
            case Sys.splice:
            case Sys.vmsplice:
            case Sys.tee:
            case Sys.pselect6:
            case Sys.ppoll:
            case Sys.epoll_pwait:
            case Sys.epoll_pwait2:
            case Sys.io_getevents:
            case Sys.nanosleep:
            case Sys.clock_nanosleep:
            case Sys.wait4:
            case Sys.waitid:
            case Sys.rt_sigsuspend:
            case Sys.rt_sigtimedwait:
            case Sys.flock:
            case Sys.fcntl:
            case Sys.connect:
            case Sys.accept:
            case Sys.accept4:
            case Sys.sendto:
            case Sys.sendmsg:
            case Sys.sendmmsg:
            case Sys.recvfrom:
            case Sys.recvmsg:
            case Sys.recvmmsg:
            case Sys.mq_timedsend:
            case Sys.mq_timedreceive:
            case Sys.msgsnd:
            case Sys.msgrcv:
            case Sys.semop:
            case Sys.semtimedop:
                return true;
            default:
                return false;
        }
    }
}
