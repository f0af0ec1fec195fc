using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>Physical memory, per-CPU TLBs with stale entries, and a checker of the page-table protocol. The hardware in it is as
/// hostile as the architecture allows: every translation that may be cached is cached on every CPU at the moment before it is
/// taken away, and a TLBI takes effect no earlier than the DSB behind it.</summary>
public sealed class SimulatedMachine
{
    private const int PageBytes = 4096;

    private readonly byte[] _ram;
    private readonly HashSet<int> _dirtyPages = [];
    private readonly HashSet<ulong> _dirtyLines = [];
    private readonly HashSet<ulong> _cleaning = [];

    [ThreadStatic]
    private static int _cpu;

    /// <param name="ramBase">physical address of the first byte</param>
    /// <param name="ramBytes">multiple of 2 MiB</param>
    /// <param name="cpus">number of CPUs</param>
    public SimulatedMachine(ulong ramBase, ulong ramBytes, int cpus)
    {
        RamBase = ramBase;
        _ram = new byte[ramBytes];
        Tlbs = new SimulatedTlb[cpus];
        for (int i = 0; i < cpus; i++)
        {
            Tlbs[i] = new SimulatedTlb();
        }

        Tables = new PageTableProtocol(this);
        Smmu = new SimulatedSmmu(this);
        Current = this;
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

    /// <summary>Frames whose translations are cached in TLBs; others are not modelled there.</summary>
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

    public Span<byte> Bytes(ulong address, int length)
    {
        int offset = Offset(address, length);
        if (length > 0)
        {
            for (int page = offset / PageBytes; page <= (offset + length - 1) / PageBytes; page++)
            {
                _dirtyPages.Add(page);
            }
        }

        return _ram.AsSpan(offset, length);
    }

    /// <summary>A look that changes nothing, for checkers.</summary>
    public ReadOnlySpan<byte> Peek(ulong address, int length) => _ram.AsSpan(Offset(address, length), length);

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
        if (isFull)
        {
            _cleaning.Clear();
        }
    }

    public void Invalidate(ulong vttbr, ulong ipa, ulong frames)
    {
        BeforeAccess?.Invoke();
        Invalidations++;
        Tables.OnInvalidate(Cpu, (ushort)(vttbr >> 48), ipa, frames);
        if (frames >> (IntermediateAddress.Bits - FrameNumber.Shift) != 0)
        {
            Tables.RemoveRoot(vttbr); // the whole VMID goes when its enclave is dead
        }
    }

    public void ZeroFrame(ulong frame)
    {
        BeforeAccess?.Invoke();
        CheckFrame(frame);
        Tables.OnPlainWrite(frame);
        Bytes(frame, PageBytes).Clear();
        _dirtyLines.Add(frame);
    }

    public void CleanInvalidateFrame(ulong frame)
    {
        CheckFrame(frame);
        if (_dirtyLines.Remove(frame))
        {
            _cleaning.Add(frame);
        }
    }

    /// <summary>A container or the OS writes into a frame through its mapping.</summary>
    public void Scribble(ulong frame, byte value)
    {
        Bytes(frame, PageBytes).Fill(value);
        _dirtyLines.Add(frame);
    }

    /// <summary>Is every byte zero, in memory and not only in a cache?</summary>
    public bool IsScrubbed(ulong frame) =>
        !Peek(frame, PageBytes).ContainsAnyExcept((byte)0) && !_dirtyLines.Contains(frame) && !_cleaning.Contains(frame);

    public bool TakeInterruptPending() => InterruptAfter >= 0 && InterruptAfter-- == 0;

    public void SpinHint()
    {
        if (OnSpin is null)
        {
            throw new SimulationException("a lock is held by nobody who runs");
        }

        OnSpin();
    }

    /// <summary>All pages that differ from the base image, with their contents.</summary>
    public MachineSnapshot Save(byte[] baseImage)
    {
        var pages = new Dictionary<int, byte[]>(_dirtyPages.Count);
        foreach (int page in _dirtyPages)
        {
            Span<byte> content = _ram.AsSpan(page * PageBytes, PageBytes);
            if (!content.SequenceEqual(baseImage.AsSpan(page * PageBytes, PageBytes)))
            {
                pages.Add(page, content.ToArray());
            }
        }

        return new MachineSnapshot(pages);
    }

    /// <summary>Goes back to the base (the contents at <see cref="ClearDirty"/>) with a snapshot's pages over it; TLBs empty.</summary>
    public void Restore(byte[] baseImage, MachineSnapshot snapshot)
    {
        foreach (int page in _dirtyPages)
        {
            byte[]? saved = snapshot.Pages.GetValueOrDefault(page);
            (saved ?? baseImage.AsSpan(page * PageBytes, PageBytes)).CopyTo(_ram.AsSpan(page * PageBytes));
        }

        foreach ((int page, byte[] content) in snapshot.Pages)
        {
            if (_dirtyPages.Add(page))
            {
                content.CopyTo(_ram, page * PageBytes);
            }
        }

        _dirtyLines.Clear();
        _cleaning.Clear();
        Tables.Reset();
        Smmu.Reset();
        foreach (SimulatedTlb tlb in Tlbs)
        {
            tlb.Clear();
        }
    }

    /// <summary>Makes the present contents the base of later snapshots.</summary>
    public byte[] ClearDirty()
    {
        _dirtyPages.Clear();
        return (byte[])_ram.Clone();
    }

    private static void CheckFrame(ulong frame)
    {
        if (frame % PageBytes != 0)
        {
            throw new SimulationException($"frame address {frame:x} is not aligned");
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

/// <summary>Difference of a machine's memory to a base image.</summary>
public sealed record MachineSnapshot(IReadOnlyDictionary<int, byte[]> Pages);
