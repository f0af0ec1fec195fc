using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Xunit;

namespace BlackBox.Shield.Tests;

/// <summary>A file of the simulated OS.</summary>
internal sealed class SimulatedFile(ulong inode, byte[] content)
{
    public ulong Inode { get; } = inode;

    public byte[] Content { get; set; } = content;

    public ulong Modified { get; set; } = 1;

    public int Reads { get; set; }

    public int Pins { get; set; }
}

/// <summary>
/// The shield's surroundings for tests of its memory: private memory, one process with one thread, and an OS that serves
/// grants and files, or does not.
/// </summary>
internal sealed class MemoryMachine : IMachine
{
    public const ulong FirstFrame = 2UL << 20;
    private const ulong BufferBytes = 64UL << 10;

    private readonly Dictionary<ulong, (SimulatedFile File, bool Write, bool Read)> _descriptors = [];
    private readonly Dictionary<ulong, SimulatedFile> _pins = [];
    private ulong _nextPin = 1;
    private readonly int _chunks;
    private int _granted;

    private MemoryMachine(int chunks) => _chunks = chunks;

    public Handle<Thread> ThreadHandle { get; private set; }

    public ref Thread Thread => ref Pool<Thread>.Get(ThreadHandle);

    public Handle<AddressSpace> Space
    {
        get => Pool<Process>.Get(Thread.Process).Memory;
        set => Pool<Process>.Get(Thread.Process).Memory = value;
    }

    /// <summary>Answer of every service from now on, if not 0.</summary>
    public long FailServices { get; set; }

    /// <summary>Called while the shield has dropped its lock for a service.</summary>
    public Action<Service>? DuringService { get; set; }

    /// <summary>The OS gives no more memory.</summary>
    public bool RefuseGrants { get; set; }

    /// <summary>The task is killed at the next service.</summary>
    public bool Kill { get; set; }

    public bool IsEventPending => false;

    /// <summary>Starts over: nothing of an earlier test remains.</summary>
    public static MemoryMachine Start(int chunks = 8)
    {
        MemoryMachine machine = new(chunks);
        Hardware.Start(machine, FirstFrame + ((ulong)chunks << 21), BufferBytes);
        Hardware.CurrentTask = 1;
        KernelLock.Reset();
        KernelLock.Acquire();
        Frames.Reset();
        AddressSpaces.Reset();
        Pool<Thread>.Reset();
        Pool<Process>.Reset();
        Pool<DescriptorTable>.Reset();
        Pool<OpenFile>.Reset();
        Translation.Start();
        CodePolicy.AllowsUnverified = true;
        Assert.True(Frames.TryAdd(new FrameAddress(FirstFrame), 512));
        machine._granted = 1;
        Assert.True(Pool<Process>.TryAdd(out Handle<Process> process));
        Assert.True(Pool<Thread>.TryAdd(out Handle<Thread> thread));
        machine.ThreadHandle = thread;
        ref Thread t = ref Pool<Thread>.Get(thread);
        t.Self = thread;
        t.Process = process;
        t.BufferAddress = BufferLayout.LentBit;
        t.BufferSize = (int)BufferBytes;
        t.DataBytes = (int)BufferBytes - BufferLayout.HeaderSize;
        t.ServiceBytes = 32 << 10;
        t.OsBuffer = 0x7000_0000;
        t.OsService = 0x7100_0000;
        Assert.True(AddressSpaces.TryCreate(out Handle<AddressSpace> space));
        Pool<Process>.Get(process).Memory = space;
        Assert.True(DescriptorTables.TryStart(ref Pool<Process>.Get(process)));
        return machine;
    }

    public ulong Open(SimulatedFile file, bool write = false, bool read = true)
    {
        ulong descriptor = 3 + (ulong)_descriptors.Count;
        _descriptors[descriptor] = (file, write, read);
        Assert.Equal((long)descriptor, Descriptors.RecordClear(ref Thread, (long)descriptor, closeOnExec: false));
        return descriptor;
    }

    public OsReturn OsCall(ulong number, ReadOnlySpan<ulong> arguments)
    {
        long result = (Sys)number switch
        {
            Sys.fcntl => Flags(arguments[0]),
            Sys.fstat => Stat(arguments[0], arguments[1]),
            _ => -Errno.ENOSYS,
        };
        return Done((ulong)result);
    }

    public OsReturn OsFault(ulong address)
    {
        Span<byte> header = Hardware.Memory(BufferLayout.LentBit, BufferLayout.HeaderSize);
        Service service = (Service)Word(header, BufferLayout.Operation);
        DuringService?.Invoke(service);
        if (Kill)
            return new OsReturn { Offset = BufferLayout.GateNever };
        long result = FailServices != 0 ? FailServices : Serve(service, header);
        BinaryPrimitives.WriteUInt64LittleEndian(header[BufferLayout.Result..], (ulong)result);
        BinaryPrimitives.WriteUInt64LittleEndian(header[BufferLayout.Operation..], 0);
        return Done(0);
    }

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

    private static OsReturn Done(ulong result) => new() { Result = result, Offset = BufferLayout.GateDone };

    private static ulong Word(ReadOnlySpan<byte> header, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(header[offset..]);

    private long Flags(ulong descriptor)
    {
        if (!_descriptors.TryGetValue(descriptor, out (SimulatedFile File, bool Write, bool Read) open))
            return -Errno.EBADF;
        return open.Write ? (open.Read ? 2 : 1) : 0;
    }

    private long Stat(ulong descriptor, ulong address)
    {
        if (!_descriptors.TryGetValue(descriptor, out (SimulatedFile File, bool Write, bool Read) open))
            return -Errno.EBADF;
        Span<byte> to = Hardware.Memory(BufferLayout.LentBit + (address - Thread.OsBuffer), 128);
        to.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(to, 7);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], open.File.Inode);
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], 0x81A4);
        BinaryPrimitives.WriteUInt64LittleEndian(to[48..], (ulong)open.File.Content.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(to[88..], open.File.Modified);
        return 0;
    }

    private long Serve(Service service, Span<byte> header)
    {
        ulong a0 = Word(header, BufferLayout.Argument0);
        ulong a1 = Word(header, BufferLayout.Argument1);
        ulong a2 = Word(header, BufferLayout.Argument2);
        Span<byte> data = Hardware.Memory(BufferLayout.LentBit + BufferLayout.HeaderSize, Thread.ServiceBytes);
        switch (service)
        {
            case Service.Grant:
                if (RefuseGrants || _granted >= _chunks)
                    return -Errno.ENOMEM;
                BinaryPrimitives.WriteUInt64LittleEndian(header[BufferLayout.RangeCount..], 1);
                BinaryPrimitives.WriteUInt64LittleEndian(header[BufferLayout.Ranges..], FirstFrame + ((ulong)_granted++ << 21));
                BinaryPrimitives.WriteUInt64LittleEndian(header[(BufferLayout.Ranges + 8)..], 512);
                return 0;
            case Service.PinFile:
                if (!_descriptors.TryGetValue(a0, out (SimulatedFile File, bool Write, bool Read) open))
                    return -Errno.EBADF;
                open.File.Pins++;
                _pins[_nextPin] = open.File;
                return (long)_nextPin++;
            case Service.UnpinFile:
                if (!_pins.Remove(a0, out SimulatedFile? unpinned))
                    return -Errno.EINVAL;
                unpinned.Pins--;
                return 0;
            case Service.ReadFile when _pins.TryGetValue(a0, out SimulatedFile? file):
                file.Reads++;
                int from = (int)Math.Min(a1, (ulong)file.Content.Length);
                int bytes = (int)Math.Min(a2, (ulong)(file.Content.Length - from));
                file.Content.AsSpan(from, bytes).CopyTo(data);
                return bytes;
            case Service.WriteFile when _pins.TryGetValue(a0, out SimulatedFile? file):
                data[..(int)a2].CopyTo(file.Content.AsSpan((int)a1));
                return (long)a2;
            default:
                return -Errno.EINVAL;
        }
    }
}
