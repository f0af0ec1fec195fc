using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>Watches every write of a stage-2 entry and of a frame word, every barrier and every TLBI, and throws where the order is not
/// the architecture's: break-before-make (Arm ARM D8.16.1), contents of a table visible before its link, DSB before the TLBI, TLBI and DSB
/// before a table is used for something else; or not the monitor's own: one owner can reach a frame at any moment, a frame changes owner
/// when no CPU can reach it any more, only scrubbed frames are mapped for the OS.</summary>
public sealed partial class PageTableProtocol(SimulatedMachine machine, int frames, int cpus)
{
    private const ulong AddressMask = 0x0000_ffff_ffff_f000;
    private const ulong PageBytes = 4096;
    private const ulong LentBit = Abi.AbiConstants.LentBit;

    private readonly JournaledMemory _shadows = new(frames * FrameShadow.Bytes);
    private readonly StaleEntries _stale = new();
    private readonly List<int>[] _unordered = MakeLists(cpus);
    private readonly List<int>[] _cleaning = MakeLists(cpus);

    private bool _isBooted;

    /// <summary>Entries taken away whose invalidation is not complete.</summary>
    public int Pending => _stale.Count;

    /// <summary>Is the tree known as live?</summary>
    public bool HasRoot(ulong vttbr) => Look(vttbr & AddressMask) is { IsTable: true } shadow && shadow.Vttbr == vttbr;

    /// <summary>Might a CPU in that world write to the frame now, by the tables or by an old translation?</summary>
    /// <param name="owner">enclave that the frame's word names</param>
    public bool MayReach(uint vmid, ulong pa, uint owner)
    {
        FrameShadow shadow = Look(pa);
        if (vmid == 0 ? shadow.OsLeaves != 0 : owner == vmid - 1 && shadow.PrivateLeaves + shadow.LentLeaves != 0)
        {
            return true;
        }

        foreach (ref readonly StaleEntry entry in _stale.Items)
        {
            if (entry.Vmid == vmid && entry.Yields(pa))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Makes a live tree known: from now on its entries are watched. (Those of enclaves are found when they go live.)</summary>
    public void AddRoot(ulong vttbr)
    {
        if (HasRoot(vttbr))
        {
            return;
        }

        _isBooted = true;
        ulong root = vttbr & AddressMask;
        foreach (ref readonly FrameShadow shadow in Shadows)
        {
            if (shadow.IsTable && shadow.Vttbr >> 48 == vttbr >> 48)
            {
                throw new SimulationException($"VMID {vttbr >> 48} is given to a second tree");
            }
        }

        for (ulong half = 0; half < 2; half++)
        {
            AddTable(root + (half * PageBytes), vttbr, 1, half << 39);
        }
    }

    internal void Push()
    {
        if (Pending != 0)
        {
            throw new SimulationException("mark while an invalidation is pending");
        }

        for (int cpu = 0; cpu < cpus; cpu++)
        {
            OnBarrier(cpu, true);
        }

        _shadows.Push();
    }

    internal void Undo(int level)
    {
        _shadows.Undo(level);
        _stale.Clear();
        for (int cpu = 0; cpu < cpus; cpu++)
        {
            _unordered[cpu].Clear();
            _cleaning[cpu].Clear();
        }
    }

    internal void OnEntryWrite(ulong table, int index, ulong old, ulong value)
    {
        // A root is two concatenated tables.
        (table, index) = (table + ((ulong)(index / 512) * PageBytes), index % 512);
        CheckReuse(table);
        MarkUnordered(table);
        FrameShadow place = Look(table);
        if (!place.IsTable)
        {
            return; // being built
        }

        machine.TreeChanges[place.Vttbr >> 48]++;

        ulong address = table + ((ulong)index * 8);
        if ((old & 1) != 0)
        {
            if ((value & 1) != 0 && value != old)
            {
                throw new SimulationException($"entry {address:x} changed from {old:x} to {value:x} without break");
            }

            if ((value & 1) == 0)
            {
                Break(address, index, place, old);
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
        FrameShadow place = Look(table);
        if (place.IsTable && place.Level < 3 && (value & 3) == 3)
        {
            AddTable(value & AddressMask, place.Vttbr, place.Level + 1, place.Ipa + ((ulong)index * Size(place.Level)));
        }
    }

    internal void OnPlainWrite(ulong address)
    {
        ulong page = address & ~(PageBytes - 1);
        CheckReuse(page);
        MarkUnordered(page);
        if (Look(page).IsTable)
        {
            throw new SimulationException($"live table {page:x} written as memory");
        }
    }

    internal void OnZero(ulong frame)
    {
        OnPlainWrite(frame);
        if (Look(frame).IsMapped)
        {
            throw new SimulationException($"frame {frame:x} scrubbed while it is mapped");
        }

        foreach (ref readonly StaleEntry entry in _stale.Items)
        {
            if (entry.Yields(frame))
            {
                throw new SimulationException($"frame {frame:x} scrubbed while a CPU may still write to it");
            }
        }

        Shadow(frame).IsDirty = 1;
    }

    internal void OnScribble(ulong frame) => Shadow(frame).IsDirty = 1;

    internal void OnClean(int cpu, ulong frame)
    {
        ref FrameShadow shadow = ref Shadow(frame);
        if (shadow.IsDirty != 0)
        {
            shadow.IsDirty = 0;
            shadow.Cleaning |= (ushort)(1 << cpu);
            _cleaning[cpu].Add(IndexOf(frame));
        }
    }

    internal bool IsClean(ulong frame) => Look(frame) is { IsDirty: 0, Cleaning: 0 };

    internal void OnBarrier(int cpu, bool isFull)
    {
        var mask = (ushort)~(1 << cpu);
        foreach (int frame in _unordered[cpu])
        {
            ShadowAt(frame).Unordered &= mask;
        }

        _unordered[cpu].Clear();
        _stale.OnBarrier(cpu, isFull, machine.Tlbs);
        if (isFull)
        {
            foreach (int frame in _cleaning[cpu])
            {
                ShadowAt(frame).Cleaning &= mask;
            }

            _cleaning[cpu].Clear();
        }
    }

    /// <param name="isAll">the whole VMID: its enclave is dead, its tree is memory from now on</param>
    internal void OnInvalidate(int cpu, ulong vttbr, ulong ipa, ulong count, bool isAll)
    {
        if (isAll)
        {
            RemoveRoot(cpu, vttbr);
        }

        _stale.OnInvalidate(cpu, (ushort)(vttbr >> 48), ipa, count * PageBytes);
    }

    /// <summary>A frame word changes: who gets the frame must be the only one to reach it.</summary>
    internal void OnFrameWord(int frame, FrameWord old, FrameWord value)
    {
        if (!_isBooted || (old.State == value.State && old.Enclave == value.Enclave))
        {
            return;
        }

        ulong pa = machine.RamBase + ((ulong)frame * PageBytes);
        if (!old.IsLocked)
        {
            throw new SimulationException($"word of frame {pa:x} changed from {old.Value:x} to {value.Value:x} without its lock");
        }

        FrameShadow shadow = Look(pa);
        bool isFree = value.State switch
        {
            FrameState.Os => shadow.PrivateLeaves + shadow.LentLeaves == 0,
            FrameState.Lent => shadow.PrivateLeaves == 0,
            FrameState.Granted or FrameState.Private => shadow.OsLeaves + shadow.LentLeaves == 0,
            _ => !shadow.IsMapped,
        };
        if (!isFree)
        {
            throw new SimulationException($"frame {pa:x} becomes {value.State} while another owner maps it");
        }

        foreach (ref readonly StaleEntry entry in _stale.Items)
        {
            bool isOfTree = entry.Address == 0 && old.Enclave == entry.Vmid - 1u && old.State >= FrameState.Lent;
            if ((isOfTree || entry.Yields(pa)) && !entry.IsAllowed(value))
            {
                throw new SimulationException($"frame {pa:x} becomes {value.State} while a CPU may still hold its translation {entry.Ipa:x} of VMID {entry.Vmid}");
            }
        }
    }

    private static List<int>[] MakeLists(int count)
    {
        var lists = new List<int>[count];
        for (int i = 0; i < count; i++)
        {
            lists[i] = [];
        }

        return lists;
    }

    private static ulong Size(int level) => level switch { 1 => 1UL << 30, 2 => 1UL << 21, _ => PageBytes };

    private static bool IsLeaf(ulong entry, int level) => (entry & 1) != 0 && (level == 3 || (entry & 2) == 0);

    private ReadOnlySpan<FrameShadow> Shadows => MemoryMarshal.Cast<byte, FrameShadow>(_shadows.Data);

    private int IndexOf(ulong pa) => (int)((pa - machine.RamBase) / PageBytes);

    private bool IsRam(ulong pa) => pa - machine.RamBase < machine.RamBytes;

    // Value of a frame's shadow; of what is no RAM: nothing.
    private FrameShadow Look(ulong pa) => IsRam(pa) ? Shadows[IndexOf(pa)] : default;

    private ref FrameShadow Shadow(ulong pa) => ref ShadowAt(IndexOf(pa));

    private ref FrameShadow ShadowAt(int frame) => ref MemoryMarshal.AsRef<FrameShadow>(_shadows.Touch(frame * FrameShadow.Bytes, FrameShadow.Bytes));

    private void MarkUnordered(ulong page)
    {
        ref FrameShadow shadow = ref Shadow(page);
        var bit = (ushort)(1 << SimulatedMachine.Cpu);
        if ((shadow.Unordered & bit) == 0)
        {
            shadow.Unordered |= bit;
            _unordered[SimulatedMachine.Cpu].Add(IndexOf(page));
        }
    }

    private void CheckReuse(ulong page)
    {
        foreach (ref readonly StaleEntry entry in _stale.Items)
        {
            if (entry.Child == page)
            {
                throw new SimulationException($"table {page:x} reused before its invalidation was complete");
            }
        }
    }
}
