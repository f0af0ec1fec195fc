using System;

namespace BlackBox.Shield;

/// <summary>Start of an enclave, once the MMU is on.</summary>
internal static class Boot
{
    /// <summary>Hands the rest of the first memory to the allocator: [used, end) in 2 MiB chunks.</summary>
    public static void Start(ulong used, ulong end)
    {
        const ulong Chunk = 2UL << 20;
        while (used < end)
        {
            ulong step = Math.Min(end, (used & ~(Chunk - 1)) + Chunk) - used;
            if (!Frames.TryAdd(new FrameAddress(used), (int)(step >> 12)))
            {
                break;
            }

            used += step;
        }
    }

    /// <summary>The first process with its only thread, whose registers stand at <paramref name="registers"/> already.</summary>
    public static ref Thread MakeFirstThread(ulong registers, ulong buffer, ulong bufferBytes, ulong task)
    {
        Handle<Thread> handle = default;
        if (!Pool<Process>.TryAdd(out Handle<Process> process) || !Pool<Thread>.TryAdd(out handle))
        {
            Panic.Stop(PanicReason.OutOfMemory, "no memory for the first thread"u8);
        }

        ref Thread thread = ref Pool<Thread>.Get(handle);
        thread.Self = handle;
        thread.Process = process;
        thread.State = ThreadState.Running;
        thread.RegistersAddress = registers;
        if (!ThreadBuffers.TryAttach(ref thread, buffer, bufferBytes, task, out ulong numbers))
        {
            Panic.Stop(PanicReason.Protocol, "unusable shared buffer"u8);
        }

        thread.Tid = (int)(numbers >> 32);
        ref Process first = ref Pool<Process>.Get(process);
        first.Self = process;
        first.Pid = (int)numbers;
        first.Threads = handle;
        first.ThreadCount = 1;
        first.Dumpable = 1;
        first.ExitSignal = ProcessNumbers.SigChld;
        first.StackLimit = SharedBuffer.ReadHeader(ref thread, BufferLayout.StackLimit);
        if (!ProcessNumbers.IsPlausible(thread.Tid) || thread.Tid != first.Pid)
        {
            Panic.Stop(PanicReason.Protocol, "implausible thread number"u8);
        }

        return ref thread;
    }

    /// <summary>Loads the program that the OS's exec named. Under the lock; registers are set for EL0 afterwards.</summary>
    public static void StartFirstProgram(ref Thread thread)
    {
        ref Process process = ref Pool<Process>.Get(thread.Process);
        if (!DescriptorTables.TryStart(ref process)
            || !FileSystems.TryStart(ref process)
            || !SignalEntry.TryCloneActions(ref process, share: false, out process.Actions))
        {
            Panic.Stop(PanicReason.OutOfMemory, "no memory for the first process"u8);
        }

        Span<byte> name = stackalloc byte[128];
        long result = Loader.StartFirstProgram(ref thread, name);
        if (result < 0)
        {
            // Why is in the lines before, if it is not only the number.
            LineWriter line = default;
            line.Write(name[..(name.IndexOf((byte)0) is int end and >= 0 ? end : name.Length)]);
            line.Write(" cannot be started: error "u8);
            line.WriteDecimal(-result);
            Panic.Stop(PanicReason.Start, line.Text);
        }
    }
}
