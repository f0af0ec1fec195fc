namespace BlackBox.Shield;

/// <summary>Numbers of the calling thread and process.</summary>
internal static class ProcessCalls
{
    public static long GetPid(ref Thread thread, ref CallArguments a) => Pool<Process>.Get(thread.Process).Pid;

    public static long GetTid(ref Thread thread, ref CallArguments a) => thread.Tid;

    /// <summary>A parent inside the enclave is known; one outside is what Linux says.</summary>
    public static long GetParentPid(ref Thread thread, ref CallArguments a)
    {
        Handle<Process> parent = Pool<Process>.Get(thread.Process).Parent;
        return Pool<Process>.IsLive(parent) && Pool<Process>.Get(parent).State != ProcessState.Zombie
            ? Pool<Process>.Get(parent).Pid
            : PlainCall.Checked(Gate.Call(ref thread, Sys.getppid));
    }

    public static long SetTidAddress(ref Thread thread, ref CallArguments a)
    {
        thread.ClearChildTid = a[0];
        return thread.Tid;
    }
}
