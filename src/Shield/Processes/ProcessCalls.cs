namespace BlackBox.Shield;

/// <summary>Numbers of the calling thread and process, its place in the tree and in its group.</summary>
internal static class ProcessCalls
{
    private const long InitPid = 1;

    public static long GetPid(ref Thread thread, ref CallArguments a) => Pool<Process>.Get(thread.Process).Pid;

    public static long GetTid(ref Thread thread, ref CallArguments a) => thread.Tid;

    /// <summary>
    /// A parent inside the enclave is known; one outside is what Linux says. After the end of a parent Linux changes over later than the
    /// shield, and a process that sees its new parent may count on being waited for: until Linux names the new parent, it is still the old.
    /// </summary>
    public static long GetParentPid(ref Thread thread, ref CallArguments a)
    {
        ref Process process = ref Pool<Process>.Get(thread.Process);
        if (TryKnowParent(ref process, out long known) && process.FormerParent == 0)
        {
            return known;
        }

        long answer = Gate.Call(ref thread, Sys.getppid);
        process = ref Pool<Process>.Get(thread.Process);
        if (thread.Dying)
        {
            return answer;
        }

        if (answer == process.FormerParent && answer != 0)
        {
            return answer;
        }

        if (TryKnowParent(ref process, out known))
        {
            process.FormerParent = answer == known ? 0 : process.FormerParent;
            return known;
        }

        // Outside: 0 from another namespace. Nobody of this enclave, whose children are known.
        bool plausible = answer == 0 || (ProcessNumbers.IsPlausible(answer) && !ProcessNumbers.IsTaken((int)answer));
        return plausible ? answer : InitPid;
    }

    public static long SetTidAddress(ref Thread thread, ref CallArguments a)
    {
        thread.ClearChildTid = a[0];
        return thread.Tid;
    }

    /// <summary>setpgid: Linux judges; what becomes of processes of the enclave is kept for their waits.</summary>
    public static long SetGroup(ref Thread thread, ref CallArguments a)
    {
        ref Process caller = ref Pool<Process>.Get(thread.Process);
        int number = (int)a[0] == 0 ? caller.Pid : (int)a[0];
        if (!ProcessNumbers.TryFindProcess(number, out Handle<Process> handle))
        {
            return PlainCall.Values(ref thread, Sys.setpgid, ref a, 2);
        }

        return ChangeGroup(ref thread, handle, Sys.setpgid, ref a, 2, (int)a[1] == 0 ? number : (int)a[1]);
    }

    public static long SetSession(ref Thread thread, ref CallArguments a)
    {
        int number = Pool<Process>.Get(thread.Process).Pid;
        long result = ChangeGroup(ref thread, thread.Process, Sys.setsid, ref a, 0, number);
        return result < 0 || result == number ? result : -Errno.EIO;
    }

    /// <summary>prctl(PR_SET_CHILD_SUBREAPER).</summary>
    public static long SetSubreaper(ref Thread thread, ref CallArguments a)
    {
        long result = PlainCall.Values(ref thread, Sys.prctl, ref a, 5);
        if (result != 0)
        {
            return result < 0 ? result : -Errno.EIO;
        }

        ref Process process = ref Pool<Process>.Get(thread.Process);
        process.IsSubreaper = a[1] != 0;
        process.MayAdopt |= process.IsSubreaper;
        return 0;
    }

    /// <summary>prctl(PR_GET_CHILD_SUBREAPER).</summary>
    public static long GetSubreaper(ref Thread thread, ref CallArguments a) =>
        UserMemory.TryWrite(ref thread, a[1], Pool<Process>.Get(thread.Process).IsSubreaper ? 1 : 0) ? 0 : -Errno.EFAULT;

    /// <summary>A program that starts an enclave may be a subreaper already. That is the OS's word, as who starts it is.</summary>
    public static void InheritFirst(ref Thread thread)
    {
        const ulong GetChildSubreaper = 37;
        SharedBuffer buffer = new(ref thread);
        if (buffer.TryReserve(sizeof(int), out int offset, out ulong address)
            && Gate.Call(ref thread, Sys.prctl, GetChildSubreaper, address) == 0)
        {
            ref Process process = ref Pool<Process>.Get(thread.Process);
            process.IsSubreaper = buffer.Take<int>(offset) == 1;
            process.MayAdopt = process.IsSubreaper;
        }
    }

    private static bool TryKnowParent(ref Process process, out long number)
    {
        bool isKnown = Pool<Process>.IsLive(process.Parent) && Pool<Process>.Get(process.Parent).State != ProcessState.Zombie;
        number = isKnown ? Pool<Process>.Get(process.Parent).Pid : 0;
        return isKnown;
    }

    private static long ChangeGroup(ref Thread thread, Handle<Process> handle, Sys number, ref CallArguments a, int count, int group)
    {
        Pool<Process>.Get(handle).GroupChanges++;
        for (int i = 0; Pool<Process>.TryNext(i, out Handle<Process> other); i = other.Index + 1)
        {
            ref Process child = ref Pool<Process>.Get(other);
            if (child.Pid == 0)
            {
                // About to be made by Linux, before the change or after.
                child.Group = 0;
            }
        }

        long result = PlainCall.Values(ref thread, number, ref a, count);
        if (Pool<Process>.IsLive(handle))
        {
            ref Process process = ref Pool<Process>.Get(handle);
            process.GroupChanges--;
            process.Group = result >= 0 ? group : process.Group;
        }

        return result;
    }
}
