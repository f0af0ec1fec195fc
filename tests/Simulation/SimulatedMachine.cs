using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>Physical memory, per-CPU TLBs with stale entries, and a checker of the page-table protocol. The hardware in it is as
/// hostile as the architecture allows: every translation that may be cached is cached on every CPU at the moment before it is
/// taken away, and a TLBI takes effect no earlier than the DSB behind it.</summary>
public sealed class SimulatedMachine
{
    private const int PageBytes = 4096;

    private readonly JournaledMemory _ram;

    [ThreadStatic]
    private static int _cpu;

    /// <param name="ramBase">physical address of the first byte</param>
    /// <param name="ramBytes">multiple of 2 MiB</param>
    /// <param name="cpus">number of CPUs</param>
    public SimulatedMachine(ulong ramBase, ulong ramBytes, int cpus)
    {
        RamBase = ramBase;
        _ram = new JournaledMemory((int)ramBytes);
        Tlbs = new SimulatedTlb[cpus];
        for (int i = 0; i < cpus; i++)
        {
            Tlbs[i] = new SimulatedTlb();
        }

        LoadedVttbr = new ulong[cpus];
        Tables = new PageTableProtocol(this, (int)(ramBytes / PageBytes), cpus);
        Smmu = new SimulatedSmmu(this);
        Current = this;
        Cpu = 0;
    }

    /// <summary>The machine that <see cref="Hardware"/> reaches.</summary>
    public static SimulatedMachine Current { get; private set; } = null!;

    /// <summary>The CPU that the current thread plays.</summary>
    public static int Cpu
    {
        get => _cpu;
        set => _cpu = value;
    }

    public ulong RamBase { get; }

    /// <summary>Where the CPUs' records stand (<see cref="CpuRecord"/>), in memory that is the monitor's for ever.</summary>
    public ulong RecordAddress => RamBase;

    public ulong RamBytes => (ulong)_ram.Length;

    public SimulatedTlb[] Tlbs { get; }

    public PageTableProtocol Tables { get; }

    public SimulatedSmmu Smmu { get; }

    /// <summary>What stands in each CPU's VTTBR_EL2: its world; 0: the OS's.</summary>
    public ulong[] LoadedVttbr { get; }

    /// <summary>Frames whose translations are cached in <see cref="Tlbs"/>. For all others <see cref="Tables"/> knows what any CPU may still hold.</summary>
    public HashSet<ulong> Watched { get; } = [];

    /// <summary>Called before each access by monitor code that other CPUs could see: lets a scheduler switch CPUs there.</summary>
    public Action? BeforeAccess { get; set; }

    /// <summary>Called in a spin loop; without it a spin is a deadlock.</summary>
    public Action? OnSpin { get; set; }

    /// <summary>After so many looks an interrupt is pending; negative: never.</summary>
    public int InterruptAfter { get; set; } = -1;

    /// <summary>The counter's next value.</summary>
    public ulong Counter { get; set; }

    /// <summary>Number of TLBIs issued.</summary>
    public long Invalidations { get; private set; }

    /// <summary>Number of stage-2 entries written.</summary>
    public long EntryWrites { get; private set; }

    /// <summary>Frame words that are locked now.</summary>
    public int LockedWords { get; private set; }

    /// <summary>How often a frame got another owner or state, or the machine went back to a mark.</summary>
    public long OwnerChanges { get; private set; }

    /// <summary>How often an entry of a live tree changed, by VMID.</summary>
    public long[] TreeChanges { get; } = new long[Constants.MaximumEnclaves + 1];

    public Span<byte> Bytes(ulong address, int length) => _ram.Touch(Offset(address, length), length);

    /// <summary>An access by monitor code to memory that may be shared.</summary>
    public Span<byte> Access(ulong address, int length)
    {
        BeforeAccess?.Invoke();
        return Bytes(address, length);
    }

    /// <summary>A look that changes nothing, for checkers.</summary>
    public ReadOnlySpan<byte> Peek(ulong address, int length) => _ram.Data.Slice(Offset(address, length), length);

    /// <summary>The same, as an array of structures.</summary>
    public ReadOnlySpan<T> PeekArray<T>(ulong address, int count)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Peek(address, count * Unsafe.SizeOf<T>()));

    /// <summary>The 512 entries of a page table.</summary>
    public ReadOnlySpan<ulong> PeekTable(ulong address) => MemoryMarshal.Cast<byte, ulong>(Peek(address, PageBytes));

    public ulong PeekLong(ulong address) => BinaryPrimitives.ReadUInt64LittleEndian(Peek(address, sizeof(ulong)));

    public uint PeekWord(ulong address) => BinaryPrimitives.ReadUInt32LittleEndian(Peek(address, sizeof(uint)));

    /// <summary>An access to a word that other CPUs use too: the place where a scheduler may switch.</summary>
    public ref T Shared<T>(ref T word)
    {
        BeforeAccess?.Invoke();
        return ref word;
    }

    /// <summary>A store to a 32-bit word: the checker looks at those that are frame words or enclave words.</summary>
    public void Store(ref uint word, uint value)
    {
        BeforeAccess?.Invoke();
        uint old = word;
        word = value;
        Stored(ref word, old, value);
    }

    public uint CompareExchange(ref uint word, uint expected, uint value)
    {
        BeforeAccess?.Invoke();
        uint old = word;
        if (old == expected)
        {
            word = value;
            Stored(ref word, old, value);
        }

        return old;
    }

    public ulong CompareExchange(ref ulong word, ulong expected, ulong value)
    {
        BeforeAccess?.Invoke();
        ulong old = word;
        if (old == expected)
        {
            word = value;
        }

        return old;
    }

    public ulong ReadLong(ulong address)
    {
        BeforeAccess?.Invoke();
        return PeekLong(address);
    }

    public void WriteLong(ulong address, ulong value)
    {
        BeforeAccess?.Invoke();
        Tables.OnPlainWrite(address);
        BinaryPrimitives.WriteUInt64LittleEndian(Bytes(address, sizeof(ulong)), value);
    }

    public void WriteEntry(ulong table, int index, ulong descriptor)
    {
        BeforeAccess?.Invoke();
        EntryWrites++;
        ulong address = table + ((ulong)index * sizeof(ulong));
        if (Smmu.Owns(address))
        {
            Smmu.OnEntryWrite(address, PeekLong(address), descriptor);
            BinaryPrimitives.WriteUInt64LittleEndian(Bytes(address, sizeof(ulong)), descriptor);
            return;
        }

        Tables.OnEntryWrite(table, index, PeekLong(address), descriptor);
        BinaryPrimitives.WriteUInt64LittleEndian(Bytes(address, sizeof(ulong)), descriptor);
        Tables.AfterEntryWrite(table, index, descriptor);
    }

    /// <param name="isFull">DSB ISH, which also completes TLBIs and cache maintenance, against DSB ISHST</param>
    public void DataBarrier(bool isFull)
    {
        BeforeAccess?.Invoke();
        Tables.OnBarrier(Cpu, isFull);
    }

    public void Invalidate(ulong vttbr, ulong ipa, ulong frames)
    {
        BeforeAccess?.Invoke();
        Invalidations++;
        bool isAll = frames >> (IntermediateAddress.Bits - FrameNumber.Shift) != 0;
        Tables.OnInvalidate(Cpu, vttbr, ipa, frames, isAll);
    }

    public void ZeroFrame(ulong frame)
    {
        BeforeAccess?.Invoke();
        CheckFrame(frame);
        Tables.OnZero(frame);
        Bytes(frame, PageBytes).Clear();
    }

    public void CleanInvalidateFrame(ulong frame)
    {
        BeforeAccess?.Invoke();
        CheckFrame(frame);
        Tables.OnClean(Cpu, frame);
    }

    /// <summary>A container or the OS writes into a frame through its mapping.</summary>
    public void Scribble(ulong frame, byte value)
    {
        Bytes(frame, PageBytes).Fill(value);
        Tables.OnScribble(frame);
    }

    /// <summary>Is every byte zero, in memory and not only in a cache?</summary>
    public bool IsScrubbed(ulong frame) => !Peek(frame, PageBytes).ContainsAnyExcept((byte)0) && Tables.IsClean(frame);

    public bool TakeInterruptPending() => InterruptAfter >= 0 && InterruptAfter-- == 0;

    public void SpinHint()
    {
        if (OnSpin is null)
        {
            throw new SimulationException("a lock is held by nobody who runs");
        }

        OnSpin();
    }

    /// <summary>Makes the present state, in which nothing is in progress, one to come back to; its level is the answer. Marks nest.</summary>
    public int Mark()
    {
        Tables.Push();
        return _ram.Push();
    }

    /// <summary>Goes back to a mark, which stays; marks above it are gone. CPUs are all in the OS's world then, or where the mark had them.</summary>
    public void Undo(int level)
    {
        _ram.Undo(level);
        Tables.Undo(level);
        InterruptAfter = -1;
        LockedWords = 0;
        OwnerChanges++;
        for (int i = 0; i < TreeChanges.Length; i++)
        {
            TreeChanges[i]++;
        }

        Smmu.Reset();
        foreach (SimulatedTlb tlb in Tlbs)
        {
            tlb.Clear();
        }

        for (uint i = 0; i < LoadedVttbr.Length; i++)
        {
            CpuRecord record = PeekArray<CpuRecord>(RecordAddress + (i * CpuRecord.Bytes), 1)[0];
            LoadedVttbr[i] = record.Task == 0 ? 0 : record.Vttbr;
        }
    }

    private static void CheckFrame(ulong frame)
    {
        if (frame % PageBytes != 0)
        {
            throw new SimulationException($"frame address {frame:x} is not aligned");
        }
    }

    private void Stored(ref uint word, uint old, uint value)
    {
        ref byte start = ref MemoryMarshal.GetReference(_ram.Data);
        var offset = (ulong)Unsafe.ByteOffset(ref start, ref Unsafe.As<uint, byte>(ref word));
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        ulong frame = (offset - (layout.FrameWords.Value - RamBase)) / sizeof(uint);
        if (frame < layout.Ram.Count)
        {
            FrameWord before = new(old);
            FrameWord after = new(value);
            LockedWords += (after.IsLocked ? 1 : 0) - (before.IsLocked ? 1 : 0);
            OwnerChanges += before.Unlocked.Value == after.Unlocked.Value ? 0 : 1;
            Tables.OnFrameWord((int)frame, before, after);
            return;
        }

        ulong place = offset - (layout.Enclaves.Value - RamBase);
        if (place < Constants.MaximumEnclaves * Enclave.Bytes && place % Enclave.Bytes == 0
            && (EnclaveState)(old & 0xff) == EnclaveState.Building && (EnclaveState)(value & 0xff) == EnclaveState.Live)
        {
            uint index = (uint)(place / Enclave.Bytes);
            Tables.AddRoot(PeekArray<Enclave>(layout.Enclaves.Value + place, 1)[0].Vttbr(index));
        }
    }

    private int Offset(ulong address, int length)
    {
        ulong offset = address - RamBase;
        if (offset > RamBytes || (ulong)length > RamBytes - offset)
        {
            throw new SimulationException($"access outside RAM: {address:x}+{length:x}");
        }

        return (int)offset;
    }
}
