using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using SemaphoreSlim = System.Threading.SemaphoreSlim;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>
/// Several threads of one enclave, of which exactly one runs at a time; a source of chance picks the next at each call to the OS. Linux's
/// futexes are modelled on the mirror words; a hostile one wakes for no reason, refuses, and tells wrong times.
/// </summary>
internal sealed class FutexMachine : IMachine, IDisposable
{
    public const ulong Data = 0x10_0000;
    private const int BufferBytes = 64 << 10;
    private const ulong MirrorAt = 1 << 20;
    private const ulong OsMirror = 0x7E00_0000_0000;
    private const ulong OsBuffers = 0x7F00_0000_0000;
    private readonly Random random;
    private readonly List<Actor> actors = [];
    private readonly SemaphoreSlim idle = new(0);
    private Actor? current;

    public void Dispose() => idle.Dispose();

    public FutexMachine(Random random, int threads, bool hostile)
    {
        this.random = random;
        Hostile = hostile;
        Hardware.Start(this, 12UL << 20, 2UL << 20);
        KernelLock.Reset();
        Frames.Reset();
        AddressSpaces.Reset();
        Futexes.Reset();
        Clocks.Reset();
        Pool<Thread>.Reset();
        Pool<Process>.Reset();
        Pool<SignalActions>.Reset();
        Pool<QueuedSignal>.Reset();
        Descriptors.Reset();
        Translation.Start();
        PutHeader(0);
        Boot.Start(4UL << 20, 12UL << 20);
        Assert.True(Frames.TryAllocate(out FrameAddress registers));
        ref Thread first = ref Boot.MakeFirstThread(Hardware.KernelAddress(registers.Value), BufferLayout.LentBit, BufferBytes, 1);
        ref Process process = ref Pool<Process>.Get(first.Process);
        Hardware.CurrentTask = 1;
        KernelLock.Acquire();
        Assert.True(SignalEntry.TryCloneActions(ref process, share: false, out process.Actions));
        Assert.True(AddressSpaces.TryCreate(out process.Memory));
        Assert.True(AddressSpaces.TryMapAnonymous(ref first, Data, 1 << 16, 3));
        for (int i = 0; i < threads; i++)
        {
            Handle<Thread> handle = first.Self;
            if (i > 0)
            {
                PutHeader(i);
                Assert.True(Pool<Thread>.TryAdd(out handle) && Frames.TryAllocate(out registers));
                ref Thread made = ref Pool<Thread>.Get(handle);
                made.Self = handle;
                made.RegistersAddress = Hardware.KernelAddress(registers.Value);
                ProcessTree.Link(ref process, ref made);
                Assert.True(ThreadBuffers.TryAttach(ref made, BufferLayout.LentBit + (ulong)(i * BufferBytes), BufferBytes, (ulong)i + 1, out _));
                made.Tid = i + 1;
                made.State = ThreadState.Running;
            }

            Assert.True(UserMemory.TryWrite(ref Pool<Thread>.Get(handle), Data, 0));
            actors.Add(new Actor(handle));
        }

        KernelLock.Release();
    }

    public bool Hostile { get; }

    /// <summary>Nanoseconds.</summary>
    public ulong Now { get; set; } = 1_000_000;

    public ulong Counter => Now;

    public ulong CounterFrequency => 1_000_000_000;

    /// <summary>Linux's CLOCK_MONOTONIC is ahead of the counter.</summary>
    public ulong Ahead { get; } = 5_000_000_000;

    public int OsCalls { get; private set; }

    public bool IsEventPending => false;

    /// <summary>Interrupts the actor's sleep with EINTR.</summary>
    public void Signal(int actor) => actors[actor].IsSignalled = true;

    public ref Thread ThreadOf(int actor) => ref Pool<Thread>.Get(actors[actor].Self);

    public static ref uint Word(ulong address)
    {
        Thread any = Pool<Thread>.Get(FirstThread());
        Assert.True(AddressSpaces.TryResolve(ref Pool<Thread>.Get(any.Self), address, UserAccess.Write, out FrameAddress frame));
        return ref MemoryMarshal.AsRef<uint>(Frames.Bytes(frame).Slice((int)(address & 4095), 4));
    }

    /// <summary>Runs a body on each thread until all are done. Throws when nobody can go on.</summary>
    public void Run(params Action<FutexMachine, int>[] bodies)
    {
        Assert.Equal(actors.Count, bodies.Length);
        for (int i = 0; i < bodies.Length; i++)
        {
            Actor actor = actors[i];
            int index = i;
            actor.Host = new System.Threading.Thread(() =>
            {
                Hardware.CurrentTask = (ulong)index + 1;
                actor.Go.Wait();
                try
                {
                    bodies[index](this, index);
                }
                catch (StopException)
                {
                }
                catch (Exception exception)
                {
                    actor.Failure = exception;
                }

                actor.IsDone = true;
                idle.Release();
            }, 4 << 20);
            actor.Host.Start();
        }

        string? stuck = null;
        while (actors.Any(actor => !actor.IsDone))
        {
            Actor[] ready = [.. actors.Where(actor => !actor.IsDone && CanRun(actor))];
            if (ready.Length == 0 && !TryPassTime())
            {
                stuck = $"nobody can go on: {string.Join(", ", actors.Select((actor, i) => actor.IsDone ? $"{i} done" : $"{i} waits"))}";
                actors.ForEach(actor => actor.IsStopped = true);
                continue;
            }

            if (ready.Length > 0)
            {
                current = ready[random.Next(ready.Length)];
                current.Go.Release();
                idle.Wait();
            }
        }

        actors.ForEach(actor => actor.Host!.Join());
        if (actors.Select(actor => actor.Failure).FirstOrDefault(failure => failure is not null) is { } first)
        {
            throw new InvalidOperationException(first.ToString(), first);
        }

        Assert.Null(stuck);
    }

    /// <summary>futex(2) as the program makes it.</summary>
    public long Futex(int actor, ulong address, uint operation, ulong value, ulong timeout = 0, ulong second = 0, ulong third = 0)
    {
        CallArguments a = default;
        (a[0], a[1], a[2], a[3], a[4], a[5]) = (address, operation, value, timeout, second, third);
        KernelLock.Acquire();
        long result;
        do
        {
            result = Futexes.Call(ref ThreadOf(actor), ref a);
        }
        while (result == -Errno.ERESTARTSYS);

        KernelLock.Release();
        return result;
    }

    /// <summary>The module, when the dead task of an actor has ended: calls that its shield asks to interrupt are made again.</summary>
    public void FinishExit(int actor)
    {
        if (SharedBuffer.ReadHeader(ref ThreadOf(actor), BufferLayout.Operation) != (ulong)Service.WakeTasks)
        {
            return;
        }

        for (int i = 0; i < actors.Count; i++)
        {
            if (Mirror((ulong)i, upper: true) != 0 && actors[i].Sleeps is not null)
            {
                actors[i].Sleeps = null;
                actors[i].IsInterrupted = true;
            }

            Mirror((ulong)i, upper: true) = 0;
        }
    }

    /// <summary>A place where the program may be preempted.</summary>
    public void Pause() => Yield();

    public OsReturn OsCall(ulong number, ReadOnlySpan<ulong> a)
    {
        Assert.False(KernelLock.IsHeld);
        Actor self = current!;
        OsCalls++;
        ulong[] arguments = a.ToArray();
        Yield();
        long result = (Sys)number switch
        {
            Sys.futex => Futex(self, arguments),
            Sys.clock_gettime => Time(arguments),
            _ => 0,
        };
        return new OsReturn { Result = (ulong)result, Offset = BufferLayout.GateDone, Number = number };
    }

    public OsReturn OsFault(ulong address) => throw new NotSupportedException();

    public ulong EventGet(out ulong signal, out ulong frame) => throw new NotSupportedException();

    public long AcceptMemory(ulong address, ulong frames) => Status.Denied;

    public long ReleaseMemory(ulong address, ulong frames) => Status.Denied;

    public long TicketIssue(ulong entry, ulong stack, ulong argument) => Status.Denied;

    public long TicketCancel() => Status.Denied;

    private long Futex(Actor self, ulong[] a)
    {
        ulong index = (a[0] - OsMirror) / 8;
        uint command = (uint)a[1] & 0x7F;
        if (command == 1)
        {
            Actor[] sleeping = [.. actors.Where(actor => actor.Sleeps == index)];
            if (sleeping.Length > 0)
            {
                sleeping[0].Sleeps = null;
            }

            return sleeping.Length;
        }

        Assert.Contains(command, new uint[] { 0, 9 });
        if (Hostile)
        {
            switch (random.Next(6))
            {
                case 0: return 0;
                case 1: return -Errno.EAGAIN;
                case 2: return -Errno.ENOMEM;
                case 3 when a[3] != 0: return -Errno.ETIMEDOUT;
                default: break;
            }
        }

        if (Mirror(index) != (uint)a[2])
        {
            return -Errno.EAGAIN;
        }

        if (a[3] != 0)
        {
            int buffer = (int)((a[3] - OsBuffers) / BufferBytes);
            Timespec time = MemoryMarshal.Read<Timespec>(
                Hardware.Memory(BufferLayout.LentBit + (ulong)(buffer * BufferBytes) + ((a[3] - OsBuffers) % BufferBytes), 16));
            Assert.True(time.IsValid);
            self.Until = Now + ((ulong)time.Seconds * 1_000_000_000) + (ulong)time.Nanoseconds;
        }

        self.Sleeps = index;
        self.HasTimedOut = false;
        Yield();
        self.Until = null;
        if (self.IsSignalled)
        {
            self.IsSignalled = false;
            self.Sleeps = null;
            return -Errno.EINTR;
        }

        if (self.IsInterrupted)
        {
            self.IsInterrupted = false;
            return Futex(self, a);
        }

        return self.HasTimedOut ? -Errno.ETIMEDOUT : 0;
    }

    private static ref uint Mirror(ulong index, bool upper = false) =>
        ref MemoryMarshal.AsRef<uint>(Hardware.Memory(BufferLayout.LentBit + MirrorAt + (8 * index) + (upper ? 4UL : 0), 4));

    private long Time(ulong[] a)
    {
        Timespec time = new() { Seconds = (long)((Now + Ahead) / 1_000_000_000), Nanoseconds = (long)((Now + Ahead) % 1_000_000_000) };
        int buffer = (int)((a[1] - OsBuffers) / BufferBytes);
        MemoryMarshal.Write(Hardware.Memory(BufferLayout.LentBit + (ulong)(buffer * BufferBytes) + ((a[1] - OsBuffers) % BufferBytes), 16), time);
        return 0;
    }

    private static bool CanRun(Actor actor) => actor.Sleeps is null || actor.IsSignalled || actor.IsStopped;

    /// <summary>All sleep: the first timeout passes.</summary>
    private bool TryPassTime()
    {
        Actor? next = actors.Where(actor => !actor.IsDone && actor.Sleeps is not null && actor.Until is not null).MinBy(actor => actor.Until);
        if (next is null)
        {
            return false;
        }

        Now = Math.Max(Now, next.Until!.Value);
        next.HasTimedOut = true;
        next.Sleeps = null;
        return true;
    }

    private void Yield()
    {
        Actor self = current!;
        Now += 10;
        idle.Release();
        self.Go.Wait();
        if (self.IsStopped)
        {
            throw new StopException();
        }
    }

    private static Handle<Thread> FirstThread()
    {
        Assert.True(Pool<Thread>.TryNext(0, out Handle<Thread> handle));
        return handle;
    }

    private static void PutHeader(int index)
    {
        Span<ulong> header = MemoryMarshal.Cast<byte, ulong>(
            Hardware.Memory(BufferLayout.LentBit + (ulong)(index * BufferBytes), BufferLayout.HeaderSize));
        header[BufferLayout.BufferAddress / 8] = OsBuffers + (ulong)(index * BufferBytes);
        header[BufferLayout.MirrorAddress / 8] = OsMirror;
        header[BufferLayout.MirrorFrame / 8] = MirrorAt;
        header[BufferLayout.Index / 8] = (ulong)index;
        header[BufferLayout.ThreadId / 8] = ((ulong)(index + 1) << 32) | 1;
    }

    private sealed class StopException : Exception;

    private sealed class Actor(Handle<Thread> self)
    {
        public Handle<Thread> Self { get; } = self;

        public SemaphoreSlim Go { get; } = new(0);

        public System.Threading.Thread? Host { get; set; }

        public bool IsDone { get; set; }

        public bool IsStopped { get; set; }

        public bool IsSignalled { get; set; }

        public bool IsInterrupted { get; set; }

        public bool HasTimedOut { get; set; }

        public ulong? Sleeps { get; set; }

        public ulong? Until { get; set; }

        public Exception? Failure { get; set; }
    }
}
