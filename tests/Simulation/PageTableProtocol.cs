using System;
using System.Collections.Generic;
using System.Linq;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>Watches every write of a stage-2 entry, every barrier and every TLBI, and throws where the order is not the
/// architecture's: break-before-make (Arm ARM D8.16.1), contents of a table visible before its link, DSB before the TLBI, TLBI and DSB
/// before a table is used for something else, and only scrubbed frames mapped for the OS.</summary>
public sealed class PageTableProtocol(SimulatedMachine machine)
{
    private const ulong AddressMask = 0x0000_ffff_ffff_f000;
    private const ulong PageBytes = 4096;

    private readonly Dictionary<ulong, TablePlace> _tables = [];
    private readonly Dictionary<ulong, BrokenEntry> _broken = [];
    private readonly HashSet<(int Cpu, ulong Page)> _unordered = [];
    private readonly List<Invalidation> _issued = [];

    private readonly record struct TablePlace(ulong Vttbr, int Level, ulong Ipa);

    private sealed record BrokenEntry(int Cpu, ushort Vmid, ulong Ipa, ulong Bytes, ulong Child)
    {
        public bool IsOrdered { get; set; }
    }

    private sealed record Invalidation(int Cpu, ushort Vmid, ulong Ipa, ulong Bytes, List<ulong> Covers);

    /// <summary>Entries taken away whose invalidation is not complete.</summary>
    public int Pending => _broken.Count;

    /// <summary>Forgets everything (machine restored from a snapshot).</summary>
    public void Reset()
    {
        _tables.Clear();
        _broken.Clear();
        _unordered.Clear();
        _issued.Clear();
    }

    /// <summary>Makes a live tree known: from now on its entries are watched.</summary>
    public void AddRoot(ulong vttbr)
    {
        ulong root = vttbr & AddressMask;
        for (ulong half = 0; half < 2; half++)
        {
            AddTable(root + (half * PageBytes), new TablePlace(vttbr, 1, half << 39));
        }
    }

    /// <summary>The tree is dead: its tables are memory only.</summary>
    public void RemoveRoot(ulong vttbr)
    {
        foreach (ulong table in _tables.Where(pair => pair.Value.Vttbr == vttbr).Select(pair => pair.Key).ToList())
        {
            _tables.Remove(table);
        }
    }

    /// <summary>Caches, on every CPU, what the known trees translate now for the watched frames.</summary>
    public void FillTlbs()
    {
        foreach ((ulong table, TablePlace place) in _tables)
        {
            ReadOnlySpan<ulong> entries = machine.PeekTable(table);
            for (int index = 0; index < entries.Length; index++)
            {
                if (IsLeaf(entries[index], place.Level))
                {
                    Cache(place, index, entries[index]);
                }
            }
        }
    }

    internal void OnEntryWrite(ulong table, int index, ulong old, ulong value)
    {
        // A root is two concatenated tables.
        (table, index) = (table + ((ulong)(index / 512) * PageBytes), index % 512);
        CheckReuse(table);
        _unordered.Add((SimulatedMachine.Cpu, table));
        if (!_tables.TryGetValue(table, out TablePlace place))
        {
            return; // being built
        }

        ulong address = table + ((ulong)index * 8);
        if ((old & 1) != 0)
        {
            if ((value & 1) != 0 && value != old)
            {
                throw new SimulationException($"entry {address:x} changed from {old:x} to {value:x} without break");
            }

            if ((value & 1) == 0)
            {
                Break(address, table, index, place, old);
            }
        }
        else if ((value & 1) != 0)
        {
            Make(address, place, index, value);
        }
    }

    internal void AfterEntryWrite(ulong table, int index, ulong value)
    {
        (table, index) = (table + ((ulong)(index / 512) * PageBytes), index % 512);
        if (_tables.TryGetValue(table, out TablePlace place) && place.Level < 3 && (value & 3) == 3)
        {
            AddTable(value & AddressMask, new TablePlace(place.Vttbr, place.Level + 1, place.Ipa + ((ulong)index * Size(place.Level))));
        }
    }

    internal void OnPlainWrite(ulong address)
    {
        ulong page = address & ~(PageBytes - 1);
        CheckReuse(page);
        _unordered.Add((SimulatedMachine.Cpu, page));
        if (_tables.ContainsKey(page))
        {
            throw new SimulationException($"live table {page:x} written as memory");
        }
    }

    internal void OnBarrier(int cpu, bool isFull)
    {
        _unordered.RemoveWhere(item => item.Cpu == cpu);
        foreach (BrokenEntry entry in _broken.Values.Where(entry => entry.Cpu == cpu))
        {
            entry.IsOrdered = true;
        }

        if (!isFull)
        {
            return;
        }

        foreach (Invalidation invalidation in _issued.Where(item => item.Cpu == cpu).ToList())
        {
            _issued.Remove(invalidation);
            foreach (ulong address in invalidation.Covers)
            {
                _broken.Remove(address);
            }

            foreach (SimulatedTlb tlb in machine.Tlbs)
            {
                tlb.Invalidate(invalidation.Vmid, invalidation.Ipa, invalidation.Bytes);
            }
        }
    }

    internal void OnInvalidate(int cpu, ushort vmid, ulong ipa, ulong frames)
    {
        ulong bytes = frames * PageBytes;
        List<ulong> covers = _broken
            .Where(pair => pair.Value.IsOrdered && pair.Value.Vmid == vmid && pair.Value.Ipa >= ipa && pair.Value.Ipa + pair.Value.Bytes <= ipa + bytes)
            .Select(pair => pair.Key).ToList();
        _issued.Add(new Invalidation(cpu, vmid, ipa, bytes, covers));
    }

    private static ulong Size(int level) => level switch { 1 => 1UL << 30, 2 => 1UL << 21, _ => PageBytes };

    private static bool IsLeaf(ulong entry, int level) => (entry & 1) != 0 && (level == 3 || (entry & 2) == 0);

    private void AddTable(ulong table, TablePlace place)
    {
        _tables[table] = place;
        ReadOnlySpan<ulong> entries = machine.PeekTable(table);
        for (int index = 0; index < entries.Length && place.Level < 3; index++)
        {
            ulong entry = entries[index];
            if ((entry & 3) == 3)
            {
                AddTable(entry & AddressMask, new TablePlace(place.Vttbr, place.Level + 1, place.Ipa + ((ulong)index * Size(place.Level))));
            }
        }
    }

    private void Break(ulong address, ulong table, int index, TablePlace place, ulong old)
    {
        ulong child = 0;
        if (IsLeaf(old, place.Level))
        {
            Cache(place, index, old);
        }
        else
        {
            child = old & AddressMask;
            CacheTable(child);
            RemoveTable(child);
        }

        _broken[address] = new BrokenEntry(SimulatedMachine.Cpu, (ushort)(place.Vttbr >> 48), place.Ipa + ((ulong)index * Size(place.Level)), Size(place.Level), child);
    }

    private void Make(ulong address, TablePlace place, int index, ulong value)
    {
        if (_broken.ContainsKey(address))
        {
            throw new SimulationException($"entry {address:x} made before its invalidation was complete");
        }

        if (!IsLeaf(value, place.Level))
        {
            if (_unordered.Contains((SimulatedMachine.Cpu, value & AddressMask)))
            {
                throw new SimulationException($"table {value & AddressMask:x} linked before its contents were ordered");
            }

            return;
        }

        ulong ipa = place.Ipa + ((ulong)index * Size(place.Level));
        BrokenEntry? overlapping = _broken.Values.FirstOrDefault(entry =>
            entry.Vmid == (ushort)(place.Vttbr >> 48) && entry.Ipa < ipa + Size(place.Level) && ipa < entry.Ipa + entry.Bytes);
        if (overlapping is not null)
        {
            throw new SimulationException($"IPA {ipa:x} mapped while {overlapping.Ipa:x} awaits invalidation");
        }

        if (place.Vttbr >> 48 == 0)
        {
            CheckScrubbed(value, Size(place.Level));
        }
    }

    // A frame that comes back to the OS is zero in memory. Those that are the OS's already are only mapped in another size.
    private void CheckScrubbed(ulong value, ulong bytes)
    {
        for (ulong offset = 0; offset < bytes; offset += PageBytes)
        {
            FrameNumber frame = new PhysicalAddress((value & AddressMask) + offset).Frame;
            if (!FrameTable.Contains(frame))
            {
                return;
            }

            FrameWord word = new(machine.PeekWord(FrameTable.Layout.FrameWords.Value + ((frame.Value - FrameTable.Layout.Ram.First.Value) * 4)));
            if (word.State is not (FrameState.Os or FrameState.Lent or FrameState.Published) && !machine.IsScrubbed(frame.Address.Value))
            {
                throw new SimulationException($"frame {frame.Address.Value:x} ({word.State}) mapped for the OS, not scrubbed");
            }
        }
    }

    private void CheckReuse(ulong page)
    {
        foreach (BrokenEntry entry in _broken.Values)
        {
            if (entry.Child == page && page != 0)
            {
                throw new SimulationException($"table {page:x} reused before its invalidation was complete");
            }
        }
    }

    private void CacheTable(ulong table)
    {
        TablePlace place = _tables[table];
        for (int index = 0; index < 512; index++)
        {
            ulong entry = machine.PeekLong(table + ((ulong)index * 8));
            if (IsLeaf(entry, place.Level))
            {
                Cache(place, index, entry);
            }
            else if ((entry & 3) == 3)
            {
                CacheTable(entry & AddressMask);
            }
        }
    }

    private void RemoveTable(ulong table)
    {
        TablePlace place = _tables[table];
        for (int index = 0; index < 512 && place.Level < 3; index++)
        {
            ulong entry = machine.PeekLong(table + ((ulong)index * 8));
            if ((entry & 3) == 3)
            {
                RemoveTable(entry & AddressMask);
            }
        }

        _tables.Remove(table);
    }

    private void Cache(TablePlace place, int index, ulong entry)
    {
        ulong pa = entry & AddressMask;
        ulong ipa = place.Ipa + ((ulong)index * Size(place.Level));
        if (place.Level == 3)
        {
            if (machine.Watched.Contains(pa))
            {
                Cache(place, ipa, pa, entry);
            }

            return;
        }

        foreach (ulong frame in machine.Watched)
        {
            ulong offset = frame - pa;
            if (offset < Size(place.Level))
            {
                Cache(place, ipa + offset, frame, entry);
            }
        }
    }

    private void Cache(TablePlace place, ulong ipa, ulong pa, ulong entry)
    {
        var cached = new TlbEntry((ushort)(place.Vttbr >> 48), ipa, pa, (entry & (1UL << 7)) != 0, (entry & (1UL << 54)) == 0);
        foreach (SimulatedTlb tlb in machine.Tlbs)
        {
            tlb.Add(cached);
        }
    }
}
