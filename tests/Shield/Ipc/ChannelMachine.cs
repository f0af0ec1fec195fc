using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>One direction of a pipe or socket as Linux has it: how much is in it, never what the program meant.</summary>
internal sealed class ModelChannel(int kind)
{
    public const int Pipe = 0;
    public const int Stream = 1;
    public const int Messages = 2;

    public int Kind { get; } = kind;

    public int Capacity { get; set; } = 65536;

    public int Bytes { get; set; }

    public List<(byte[] Token, ModelFile[] Files)> Queue { get; } = [];

    /// <summary>Files that travel with a byte of a stream: bytes from now until then.</summary>
    public List<(int At, ModelFile[] Files)> Marks { get; } = [];

    public int Readers { get; set; }

    public int Writers { get; set; }
}

/// <summary>An open file of the simulated Linux.</summary>
internal sealed class ModelFile(ModelChannel? incoming, ModelChannel? outgoing)
{
    public ModelChannel? Incoming { get; } = incoming;

    public ModelChannel? Outgoing { get; } = outgoing;

    public bool NonBlocking { get; set; }

    public int References { get; set; }
}

/// <summary>
/// A small Linux with pipes and socketpairs under several threads of one process. Threads are real ones, but only one runs at a time: at
/// every call to the OS the next one is chosen by a seed, so that a failing order can be run again.
/// </summary>
internal sealed partial class ChannelMachine : IMachine
{
    public const ulong UserBase = 0x10_0000;
    public const ulong UserPart = 1 << 20;
    public const int BufferBytes = 96 << 10;
    private const ulong OsBase = 0x7F00_0000_0000;
    private const ulong OsStep = 0x100_0000;
    private const ulong FirstChunk = 4UL << 20;
    private const int Chunks = 24;

    private readonly List<Handle<Thread>> threads = [];
    private readonly Dictionary<int, ModelFile> table = [];
    private readonly Random random;
    private readonly HashSet<int> running = [];
    private readonly object turn = new();
    private int current;
    private bool scheduling;

    [ThreadStatic]
    private static int self;

    private ChannelMachine(int seed) => random = new Random(seed);

    /// <summary>What a lying OS makes of a result.</summary>
    public Func<Sys, ulong[], long, long>? Twist { get; set; }

    /// <summary>Numbers that a lying OS gives for new descriptors, in order.</summary>
    public Queue<int> ForgedNumbers { get; } = new();

    /// <summary>The task of this thread is killed at its next call of this kind, after Linux has served it or before.</summary>
    public (Sys Number, bool Served)? Kill { get; set; }

    public List<Sys> Seen { get; } = [];

    public bool IsEventPending => false;

    public ref Thread ThreadOf(int index) => ref Pool<Thread>.Get(threads[index]);

    public static ChannelMachine Start(int count = 1, int seed = 1)
    {
        ChannelMachine machine = new(seed);
        Hardware.Start(machine, FirstChunk + ((ulong)Chunks << 21), (ulong)(count * BufferBytes));
        KernelLock.Reset();
        Frames.Reset();
        AddressSpaces.Reset();
        Pool<Thread>.Reset();
        Pool<Process>.Reset();
        Pool<SignalActions>.Reset();
        Pool<QueuedSignal>.Reset();
        Descriptors.Reset();
        Translation.Start();
        Boot.Start(FirstChunk + 0x5000, FirstChunk + ((ulong)Chunks << 21));
        Assert.True(Pool<Process>.TryAdd(out Handle<Process> process));
        Hardware.CurrentTask = 1;
        KernelLock.Acquire();
        ref Process made = ref Pool<Process>.Get(process);
        made.Self = process;
        made.Pid = 1;
        made.ThreadCount = count;
        Assert.True(SignalEntry.TryCloneActions(ref made, share: false, out made.Actions));
        Assert.True(DescriptorTables.TryStart(ref made));
        Assert.True(FileSystems.TryStart(ref made));
        for (int i = 0; i < count; i++)
        {
            Assert.True(Pool<Thread>.TryAdd(out Handle<Thread> handle));
            Assert.True(Frames.TryAllocate(out FrameAddress registers));
            ref Thread thread = ref Pool<Thread>.Get(handle);
            thread.Self = handle;
            thread.Process = process;
            thread.Tid = i + 1;
            thread.RegistersAddress = Hardware.KernelAddress(registers.Value);
            thread.BufferAddress = BufferLayout.LentBit + (ulong)(i * BufferBytes);
            thread.BufferSize = BufferBytes;
            thread.DataBytes = BufferBytes - BufferLayout.HeaderSize;
            thread.ServiceBytes = 16 << 10;
            thread.OsBuffer = OsBase + ((ulong)i * OsStep);
            machine.threads.Add(handle);
        }

        Assert.True(AddressSpaces.TryCreate(out made.Memory));
        Assert.True(AddressSpaces.TryMapAnonymous(ref machine.ThreadOf(0), UserBase, UserPart * (ulong)count, 3));
        for (int i = 0; i < 3; i++)
        {
            machine.table[i] = new ModelFile(null, null) { References = 1 };
        }

        return machine;
    }

    /// <summary>Runs one body per thread, interleaved at every call to the OS.</summary>
    public void RunAll(params Action<int>[] bodies)
    {
        KernelLock.Release();
        scheduling = true;
        Exception? failure = null;
        System.Threading.Thread[] workers = new System.Threading.Thread[bodies.Length];
        lock (turn)
        {
            for (int i = 0; i < bodies.Length; i++)
            {
                running.Add(i);
            }

            current = random.Next(bodies.Length);
        }

        for (int i = 0; i < bodies.Length; i++)
        {
            int index = i;
            workers[i] = new System.Threading.Thread(() =>
            {
                self = index;
                Hardware.CurrentTask = (ulong)index + 1;
                Take(index);
                try
                {
                    KernelLock.Acquire();
                    bodies[index](index);
                    KernelLock.Release();
                }
                catch (Exception e)
                {
                    failure ??= e;
                }

                lock (turn)
                {
                    running.Remove(index);
                    Choose();
                }
            });
            workers[i].Start();
        }

        foreach (System.Threading.Thread worker in workers)
        {
            Assert.True(worker.Join(TimeSpan.FromSeconds(60)), "threads wait for each other");
        }

        scheduling = false;
        if (failure is not null)
        {
            throw new InvalidOperationException("a thread failed", failure);
        }

        KernelLock.Acquire();
    }

    public static ulong User(int thread) => UserBase + ((ulong)thread * UserPart);

    public long Call(int thread, Sys number, params ulong[] arguments)
    {
        CallArguments a = default;
        for (int i = 0; i < arguments.Length; i++)
        {
            a[i] = arguments[i];
        }

        ThreadOf(thread).Registers.X[8] = (ulong)number;
        return Dispatcher.Serve(ref ThreadOf(thread), (uint)number, ref a);
    }

    public long Write(int thread, int descriptor, ReadOnlySpan<byte> data)
    {
        Assert.True(UserMemory.TryWrite(ref ThreadOf(thread), User(thread), data));
        return Call(thread, Sys.write, (ulong)descriptor, User(thread), (ulong)data.Length);
    }

    public long Read(int thread, int descriptor, int most, out byte[] data)
    {
        long result = Call(thread, Sys.read, (ulong)descriptor, User(thread), (ulong)most);
        data = new byte[Math.Max(result, 0)];
        Assert.True(UserMemory.TryRead(ref ThreadOf(thread), User(thread), data));
        return result;
    }

    public (int Read, int Write) MakePipe(int thread = 0, uint flags = 0)
    {
        Assert.Equal(0, Call(thread, Sys.pipe2, User(thread), flags));
        Span<byte> pair = stackalloc byte[8];
        Assert.True(UserMemory.TryRead(ref ThreadOf(thread), User(thread), pair));
        return (BinaryPrimitives.ReadInt32LittleEndian(pair), BinaryPrimitives.ReadInt32LittleEndian(pair[4..]));
    }

    public (int One, int Other) MakePair(uint type, int thread = 0)
    {
        Assert.Equal(0, Call(thread, Sys.socketpair, 1, type, 0, User(thread)));
        Span<byte> pair = stackalloc byte[8];
        Assert.True(UserMemory.TryRead(ref ThreadOf(thread), User(thread), pair));
        return (BinaryPrimitives.ReadInt32LittleEndian(pair), BinaryPrimitives.ReadInt32LittleEndian(pair[4..]));
    }

    public ModelFile Linux(int descriptor) => table[descriptor];

    public OsReturn OsCall(ulong number, ReadOnlySpan<ulong> arguments)
    {
        ulong[] a = arguments.ToArray();
        int me = scheduling ? self : 0;
        if (scheduling)
        {
            Yield(me);
        }

        if (!scheduling)
        {
            Assert.False(KernelLock.IsHeld);
        }

        bool killed = Kill is { } kill && kill.Number == (Sys)number;
        if (killed && !Kill!.Value.Served)
        {
            Kill = null;
            return new OsReturn { Offset = BufferLayout.GateNever };
        }

        Seen.Add((Sys)number);
        long result = Serve((Sys)number, a, me);
        if (killed)
        {
            Kill = null;
            return new OsReturn { Offset = BufferLayout.GateNever };
        }

        result = Twist?.Invoke((Sys)number, a, result) ?? result;
        if (scheduling)
        {
            Yield(me);
        }

        return new OsReturn { Result = (ulong)result, Offset = BufferLayout.GateDone, Number = number };
    }

    public OsReturn OsFault(ulong address) => throw new InvalidOperationException("no service in this machine");

    public ulong EventGet(out ulong signal, out ulong frame)
    {
        signal = 0;
        frame = 0;
        return 0;
    }

    public long AcceptMemory(ulong address, ulong frames) => Status.Success;

    public long ReleaseMemory(ulong address, ulong frames) => Status.Success;

    public long TicketIssue(ulong entry, ulong stack, ulong argument) => Status.Denied;

    public long TicketCancel() => Status.Denied;

    private void Choose()
    {
        if (running.Count > 0)
        {
            current = running.ElementAt(random.Next(running.Count));
        }

        System.Threading.Monitor.PulseAll(turn);
    }

    private void Take(int index)
    {
        lock (turn)
        {
            while (current != index)
            {
                System.Threading.Monitor.Wait(turn);
            }
        }
    }

    private void Yield(int index)
    {
        lock (turn)
        {
            Choose();
            while (current != index)
            {
                System.Threading.Monitor.Wait(turn);
            }
        }
    }
}
