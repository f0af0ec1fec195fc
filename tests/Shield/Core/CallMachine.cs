using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>One call that reached the simulated OS.</summary>
internal sealed record OsCallSeen(Sys Number, ulong[] Arguments);

/// <summary>
/// Surroundings for tests of calls, gate and processes: private memory, a process with one thread, user memory at
/// <see cref="UserBase"/>, and an OS that each test scripts.
/// </summary>
internal sealed unsafe class CallMachine : IMachine
{
    public const ulong UserBase = 0x10_0000;
    public const ulong UserBytes = 4 << 20;
    public const ulong OsBuffer = 0x7F00_0000_0000;
    public const int BufferBytes = 256 << 10;
    public const int SignalBytes = 16 << 10;
    public const ulong FirstChunk = 4UL << 20;
    private const int Chunks = 24;

    /// <summary>Numbers below this one are open, as files in clear.</summary>
    public const int OpenDescriptors = 16;

    private CallMachine()
    {
    }

    /// <summary>Answers by call; a call without an answer is ENOSYS.</summary>
    public Dictionary<Sys, Func<ulong[], long>> Answers { get; } = [];

    /// <summary>Ways back that come before the normal answers, in order.</summary>
    public Queue<OsReturn> Returns { get; } = new();

    public Queue<(ulong Bits, ulong Signal, ulong Frame)> Events { get; } = new();

    public List<OsCallSeen> Seen { get; } = [];

    /// <summary>Answer of a service request: header in, result out.</summary>
    public Func<Service, long> Serve { get; set; } = _ => -Errno.ENOSYS;

    /// <summary>Ranges that were accepted and released.</summary>
    public List<(ulong Address, ulong Frames)> Accepted { get; } = [];

    public List<(ulong Address, ulong Frames)> Released { get; } = [];

    /// <summary>What the monitor says to AcceptMemory.</summary>
    public Func<ulong, ulong, long> Accept { get; set; } = (_, _) => Status.Success;

    /// <summary>What the counter shows, in ns; null: the host's.</summary>
    public ulong? Time { get; set; }

    public ulong Counter => Time ?? (ulong)System.Diagnostics.Stopwatch.GetTimestamp();

    public ulong CounterFrequency => Time is null ? (ulong)System.Diagnostics.Stopwatch.Frequency : 1_000_000_000;

    public bool TicketIssued { get; private set; }

    public ulong TicketArgument { get; private set; }

    /// <summary>The OS has started the child of the ticket.</summary>
    public bool TicketRedeemed { get; set; }

    public Handle<Thread> Self { get; private set; }

    public ref Thread Thread => ref Pool<Thread>.Get(Self);

    public bool IsEventPending => Events.Count > 0;

    public static CallMachine Start(bool userMemory = true)
    {
        CallMachine machine = new();
        Hardware.Start(machine, FirstChunk + ((ulong)Chunks << 21), BufferBytes);
        KernelLock.Reset();
        Frames.Reset();
        AddressSpaces.Reset();
        Pool<Thread>.Reset();
        Pool<Process>.Reset();
        Pool<SignalActions>.Reset();
        Pool<QueuedSignal>.Reset();
        Descriptors.Reset();
        Translation.Start();
        PutHeader(tid: 1, pid: 1);
        Boot.Start(FirstChunk + 0x5000, FirstChunk + (8UL << 21));
        Assert.True(Frames.TryAllocate(out FrameAddress registers));
        ref Thread thread = ref Boot.MakeFirstThread(Hardware.KernelAddress(registers.Value), BufferLayout.LentBit, BufferBytes, 0x1_0001);
        machine.Self = thread.Self;
        Hardware.CurrentTask = thread.TaskHandle;
        KernelLock.Acquire();
        ref Process process = ref Pool<Process>.Get(thread.Process);
        Assert.True(SignalEntry.TryCloneActions(ref process, share: false, out process.Actions));
        Assert.True(AddressSpaces.TryCreate(out process.Memory));
        Assert.True(DescriptorTables.TryStart(ref process));
        Assert.True(FileSystems.TryStart(ref process));
        for (int i = 3; i < OpenDescriptors; i++)
        {
            Assert.Equal(i, Descriptors.RecordClear(ref thread, i, closeOnExec: false));
        }

        if (userMemory)
        {
            Assert.True(AddressSpaces.TryMapAnonymous(ref thread, UserBase, UserBytes, 3));
        }

        return machine;
    }

    public static void PutHeader(int tid, int pid)
    {
        Span<ulong> header = MemoryMarshal.Cast<byte, ulong>(Hardware.Memory(BufferLayout.LentBit, BufferLayout.HeaderSize));
        header[BufferLayout.BufferAddress / 8] = OsBuffer;
        header[BufferLayout.ServiceAddress / 8] = OsBuffer + (1 << 20);
        header[BufferLayout.ThreadId / 8] = ((ulong)tid << 32) | (uint)pid;
        header[BufferLayout.SignalStack / 8] = OsBuffer + BufferBytes - SignalBytes;
        header[BufferLayout.SignalStackSize / 8] = SignalBytes;
    }

    /// <summary>What the module leaves in the parent's header when it binds a child.</summary>
    public static void PutChildNumber(int number) =>
        MemoryMarshal.Write(Hardware.Memory(BufferLayout.LentBit + BufferLayout.Argument3, sizeof(ulong)), ((ulong)(uint)number << 32) | (uint)number);

    /// <summary>Bytes of the buffer as the OS sees them at an address of its own.</summary>
    public static Span<byte> Os(ulong address, int length) => Hardware.Memory(BufferLayout.LentBit + (address - OsBuffer), length);

    public static Span<byte> OsData() =>
        Hardware.Memory(BufferLayout.LentBit + BufferLayout.HeaderSize, BufferBytes - BufferLayout.HeaderSize - SignalBytes);

    public void WriteUser(ulong address, ReadOnlySpan<byte> bytes) => Assert.True(UserMemory.TryWrite(ref Thread, address, bytes));

    public void WriteUser(ulong address, params ulong[] words) => WriteUser(address, MemoryMarshal.AsBytes<ulong>(words));

    public byte[] ReadUser(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(UserMemory.TryRead(ref Thread, address, bytes));
        return bytes;
    }

    public T ReadUser<T>(ulong address)
        where T : unmanaged => MemoryMarshal.Read<T>(ReadUser(address, sizeof(T)));

    /// <summary>Makes a call as the program would.</summary>
    public long Call(Sys number, params ulong[] arguments)
    {
        CallArguments a = default;
        for (int i = 0; i < arguments.Length; i++)
        {
            a[i] = arguments[i];
        }

        Thread.Registers.X[8] = (ulong)number;
        return Dispatcher.Serve(ref Thread, (uint)number, ref a);
    }

    public OsCallSeen Last(Sys number) => Seen.Last(call => call.Number == number);

    public OsReturn OsCall(ulong number, ReadOnlySpan<ulong> arguments)
    {
        Assert.False(KernelLock.IsHeld);
        OsCallSeen call = new((Sys)number, arguments.ToArray());
        Seen.Add(call);
        if (Returns.TryDequeue(out OsReturn back))
        {
            return back;
        }

        long result = Answers.TryGetValue(call.Number, out Func<ulong[], long>? answer) ? answer(call.Arguments) : -Errno.ENOSYS;
        return new OsReturn { Result = (ulong)result, Offset = BufferLayout.GateDone, Number = number };
    }

    public OsReturn OsFault(ulong address)
    {
        Assert.False(KernelLock.IsHeld);
        Span<ulong> header = MemoryMarshal.Cast<byte, ulong>(Hardware.Memory(BufferLayout.LentBit, BufferLayout.HeaderSize));
        header[BufferLayout.Result / 8] = (ulong)Serve((Service)header[BufferLayout.Operation / 8]);
        header[BufferLayout.Operation / 8] = 0;
        return new OsReturn { Offset = BufferLayout.GateDone };
    }

    public ulong EventGet(out ulong signal, out ulong frame)
    {
        (ulong bits, signal, frame) = Events.Dequeue();
        return bits;
    }

    public long AcceptMemory(ulong address, ulong frames)
    {
        long status = Accept(address, frames);
        if (status == Status.Success)
        {
            Accepted.Add((address, frames));
        }

        return status;
    }

    public long ReleaseMemory(ulong address, ulong frames)
    {
        Released.Add((address, frames));
        return Status.Success;
    }

    public long TicketIssue(ulong entry, ulong stack, ulong argument)
    {
        Assert.False(TicketIssued);
        TicketIssued = true;
        TicketRedeemed = false;
        TicketArgument = argument;
        return Status.Success;
    }

    public long TicketCancel()
    {
        Assert.True(TicketIssued);
        TicketIssued = false;
        return TicketRedeemed ? Status.Denied : Status.Success;
    }
}
