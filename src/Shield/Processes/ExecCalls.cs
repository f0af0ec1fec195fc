using System;

namespace BlackBox.Shield;

/// <summary>
/// execve and execveat. Everything that can fail happens before Linux hears of it: the new program is resolved, verified and
/// mapped into an address space of its own. Linux's execve then does its side (siblings, close-on-exec, name, credentials); when it has
/// succeeded the new address space takes the place of the old one.
/// </summary>
internal static class ExecCalls
{
    private const ulong EmptyPath = 0x1000;
    private const ulong NoFollow = 0x100;
    private const int CurrentDirectory = -100;

    public static long Execute(ref Thread thread, ref CallArguments a) => Start(ref thread, a[0], a[1], a[2]);

    /// <summary>Relative to a descriptor only if the path does not need it: absolute, or AT_FDCWD.</summary>
    public static long ExecuteAt(ref Thread thread, ref CallArguments a)
    {
        if ((a[4] & ~(EmptyPath | NoFollow)) != 0)
        {
            return -Errno.EINVAL;
        }

        if (!UserMemory.TryRead(ref thread, a[1], out byte first))
        {
            return -Errno.EFAULT;
        }

        bool relative = first != (byte)'/' && (int)a[0] != CurrentDirectory;
        return relative || (a[4] & (EmptyPath | NoFollow)) != 0 ? -Errno.ENOSYS : Start(ref thread, a[1], a[2], a[3]);
    }

    private static long Start(ref Thread thread, ulong path, ulong arguments, ulong environment)
    {
        long result = ArgumentStrings.Collect(ref thread, path, arguments, environment, out ArgumentStrings strings);
        if (result < 0)
        {
            return result;
        }

        result = Programs.Prepare(ref thread, ref strings, out PreparedProgram program);
        if (result == 0)
        {
            result = TryUnshare(ref thread, out Handle<SignalActions> actions) ? Forward(ref thread, ref strings) : -Errno.ENOMEM;
            if (result == 0)
            {
                ref Process process = ref Pool<Process>.Get(thread.Process);
                SignalEntry.ReleaseActions(process.Actions);
                process.Actions = actions;
            }
            else
            {
                SignalEntry.ReleaseActions(actions);
                Programs.Discard(ref program);
            }
        }

        strings.Free();
        if (result != 0)
        {
            return result;
        }

        Enter(ref thread, program);
        return CallResult.NoReturn;
    }

    /// <summary>What exec gives a process of its own; done before the point of no return, since it needs memory.</summary>
    private static bool TryUnshare(ref Thread thread, out Handle<SignalActions> actions)
    {
        actions = default;
        if (!Frames.Reserve(ref thread, 16))
        {
            return false;
        }

        ref Process process = ref Pool<Process>.Get(thread.Process);
        return DescriptorTables.TryUnshare(ref process) && SignalEntry.TryCloneActions(ref process, share: false, out actions);
    }

    /// <summary>Linux's exec of the same file. Linux sees the path and the program's name, not the other arguments.</summary>
    private static long Forward(ref Thread thread, ref ArgumentStrings strings)
    {
        Span<byte> path = stackalloc byte[Paths.Longest + 1];
        long length = Programs.OsPath(ref thread, ref strings, path);
        if (length < 0)
        {
            return length;
        }

        path[(int)length] = 0;
        SharedBuffer buffer = new(ref thread);
        if (!buffer.TryPut(path[..((int)length + 1)], out ulong pathAddress)
            || !buffer.TryReserve(2 * sizeof(ulong), out int offset, out ulong argumentsAddress)
            || !buffer.TryPut(0UL, out ulong environmentAddress))
        {
            return -Errno.ENAMETOOLONG;
        }

        buffer.Store(offset, pathAddress);
        buffer.Store(offset + sizeof(ulong), 0UL);
        long result = Gate.Call(ref thread, Sys.execve, pathAddress, argumentsAddress, environmentAddress);
        return result == 0 || Errno.IsError(result) || result is -Errno.Dying or -Errno.ERESTARTSYS ? result : -Errno.EIO;
    }

    /// <summary>The point of no return is behind: the new program takes over.</summary>
    private static void Enter(ref Thread thread, in PreparedProgram program)
    {
        // The other threads ended inside Linux's exec (de_thread), each through its own way out. One that Linux left alive would run
        // in the memory that is given up here.
        ref Process process = ref Pool<Process>.Get(thread.Process);
        if (process.ThreadCount != 1)
        {
            Panic.Stop(PanicReason.Protocol, "exec left another thread alive"u8);
        }

        // In the old memory, where others may wait (Linux: exec_mm_release).
        Futexes.Release(ref thread);
        Exits.ClearNumber(ref thread);
        Handle<AddressSpace> old = process.Memory;
        process.Memory = program.Space;
        AddressSpaces.Activate(program.Space);
        if (!old.IsNull)
        {
            AddressSpaces.Release(old);
        }

        // Linux has made the thread the leader, whoever it was, and mapped the windows anew.
        thread.Tid = process.Pid;
        if (!ThreadBuffers.TryAttach(ref thread, thread.BufferAddress, (ulong)thread.BufferSize, thread.TaskHandle, out _))
        {
            Panic.Stop(PanicReason.Protocol, "unusable shared buffer after exec"u8);
        }

        DescriptorTables.CloseForExec(ref process);
        SignalEntry.ResetForExec(ref thread);

        // Its children's ends may have been told to a thread that is gone; its own end is told by SIGCHLD from now on (Linux: de_thread).
        ProcessTree.DoubtZombies(process.Actions);
        process.ExitSignal = ProcessNumbers.SigChld;
        process.Waiting = 0;
        thread.RobustListSize = 0;
        process.Dumpable = 1;
        Span<byte> vectors = stackalloc byte[Hardware.VectorBytes];
        vectors.Clear();
        Hardware.LoadVectors(ref thread, vectors);
        Hardware.ThreadPointer = 0;
        ref UserRegisters registers = ref thread.Registers;
        registers = default;
        registers.Pc = program.Entry;
        registers.Sp = program.Stack;
        PageCache.CleanAll(ref thread, unmappedOnly: true);
    }
}
