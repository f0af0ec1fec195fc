using System;
using System.Runtime.InteropServices;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

public sealed partial class PageTableProtocol
{
    /// <summary>Caches, on every CPU, what the known trees translate now for the watched frames.</summary>
    public void FillTlbs()
    {
        if (machine.Watched.Count == 0)
        {
            return;
        }

        ReadOnlySpan<FrameShadow> shadows = Shadows;
        for (int frame = 0; frame < shadows.Length; frame++)
        {
            FrameShadow place = shadows[frame];
            if (!place.IsTable)
            {
                continue;
            }

            ReadOnlySpan<ulong> entries = machine.PeekTable(machine.RamBase + ((ulong)frame * PageBytes));
            for (int index = 0; index < entries.Length; index++)
            {
                if (IsLeaf(entries[index], place.Level))
                {
                    Cache(place, index, entries[index]);
                }
            }
        }
    }

    private void AddTable(ulong table, ulong vttbr, int level, ulong ipa)
    {
        machine.TreeChanges[vttbr >> 48]++;
        ref FrameShadow shadow = ref Shadow(table);
        if (shadow.IsTable || shadow.IsMapped)
        {
            throw new SimulationException($"table {table:x} is linked, and is {(shadow.IsTable ? "a table already" : "mapped")}");
        }

        shadow.Vttbr = vttbr;
        shadow.Level = (byte)level;
        shadow.Ipa = ipa;
        ReadOnlySpan<ulong> entries = machine.PeekTable(table);
        if (level == 3 && _stale.Count == 0 && vttbr >> 48 == 0 && TryAddPages(entries, ipa))
        {
            return;
        }

        for (int index = 0; index < entries.Length; index++)
        {
            ulong entry = entries[index];
            if (IsLeaf(entry, level))
            {
                AddLeaf(vttbr, ipa + ((ulong)index * Size(level)), entry & AddressMask, Size(level));
            }
            else if ((entry & 3) == 3)
            {
                AddTable(entry & AddressMask, vttbr, level + 1, ipa + ((ulong)index * Size(level)));
            }
        }
    }

    // The common case, at once: pages of the OS at identity, reached by nobody else.
    private bool TryAddPages(ReadOnlySpan<ulong> entries, ulong ipa)
    {
        if (!IsRam(ipa))
        {
            return false;
        }

        Span<FrameShadow> shadows = ShadowsOf(ipa, (ulong)entries.Length * PageBytes);
        for (int index = 0; index < entries.Length; index++)
        {
            ref readonly FrameShadow shadow = ref shadows[index];
            if ((entries[index] & 1) != 0
                && ((entries[index] & AddressMask) != ipa + ((ulong)index * PageBytes) || shadow.IsTable || shadow.PrivateLeaves + shadow.OsLeaves != 0))
            {
                return false;
            }
        }

        for (int index = 0; index < entries.Length; index++)
        {
            shadows[index].OsLeaves += (byte)(entries[index] & 1);
        }

        return true;
    }

    private void RemoveTable(ulong table)
    {
        ref FrameShadow shadow = ref Shadow(table);
        FrameShadow place = shadow;
        if (!place.IsTable)
        {
            return;
        }

        shadow.Vttbr = 0;
        shadow.Ipa = 0;
        shadow.Level = 0;
        ReadOnlySpan<ulong> entries = machine.PeekTable(table);
        for (int index = 0; index < entries.Length; index++)
        {
            ulong entry = entries[index];
            if (IsLeaf(entry, place.Level))
            {
                RemoveLeaf(place.Vttbr, place.Ipa + ((ulong)index * Size(place.Level)), entry & AddressMask, Size(place.Level));
            }
            else if ((entry & 3) == 3)
            {
                RemoveTable(entry & AddressMask);
            }
        }
    }

    private void RemoveRoot(int cpu, ulong vttbr)
    {
        if (!HasRoot(vttbr))
        {
            return;
        }

        for (int i = 0; i < machine.LoadedVttbr.Length; i++)
        {
            if (machine.LoadedVttbr[i] == vttbr)
            {
                throw new SimulationException($"VMID {vttbr >> 48} is given up while CPU {i} is in its world");
            }
        }

        ulong root = vttbr & AddressMask;
        RemoveTable(root);
        RemoveTable(root + PageBytes);
        _stale.Add(new StaleEntry
        {
            Cpu = cpu,
            Vmid = (ushort)(vttbr >> 48),
            Bytes = 1UL << IntermediateAddress.Bits,
            Pa = StaleEntry.NoFrames,
            IsOrdered = true,
        });
    }

    private void Break(ulong address, int index, in FrameShadow place, ulong old)
    {
        var entry = new StaleEntry
        {
            Cpu = SimulatedMachine.Cpu,
            Vmid = (ushort)(place.Vttbr >> 48),
            Address = address,
            Ipa = place.Ipa + ((ulong)index * Size(place.Level)),
            Bytes = Size(place.Level),
            Pa = StaleEntry.NoFrames,
        };
        if (IsLeaf(old, place.Level))
        {
            Cache(place, index, old);
            RemoveLeaf(place.Vttbr, entry.Ipa, old & AddressMask, entry.Bytes);
            entry.Pa = old & AddressMask;
            _stale.Add(entry);
            return;
        }

        entry.Child = old & AddressMask;
        _stale.Add(entry);
        StaleLeaves(entry.Child, entry);
        RemoveTable(entry.Child);
    }

    // The leaves below a table that goes.
    private void StaleLeaves(ulong table, StaleEntry entry)
    {
        FrameShadow place = Look(table);
        for (int index = 0; index < 512; index++)
        {
            ulong value = machine.PeekLong(table + ((ulong)index * 8));
            if (IsLeaf(value, place.Level))
            {
                Cache(place, index, value);
                entry.Child = 0;
                entry.Ipa = place.Ipa + ((ulong)index * Size(place.Level));
                entry.Bytes = Size(place.Level);
                entry.Pa = value & AddressMask;
                _stale.Add(entry);
            }
            else if ((value & 3) == 3)
            {
                StaleLeaves(value & AddressMask, entry);
            }
        }
    }

    private void Make(ulong address, in FrameShadow place, int index, ulong value)
    {
        ulong ipa = place.Ipa + ((ulong)index * Size(place.Level));
        ulong bytes = Size(place.Level);
        var vmid = (ushort)(place.Vttbr >> 48);
        foreach (ref readonly StaleEntry entry in _stale.Items)
        {
            if (entry.Address == address)
            {
                throw new SimulationException($"entry {address:x} made before its invalidation was complete");
            }

            if (IsLeaf(value, place.Level) && entry.Vmid == vmid && entry.Ipa < ipa + bytes && ipa < entry.Ipa + entry.Bytes)
            {
                throw new SimulationException($"IPA {ipa:x} mapped while {entry.Ipa:x} awaits invalidation");
            }
        }

        if (!IsLeaf(value, place.Level))
        {
            if ((Look(value & AddressMask).Unordered & (1 << SimulatedMachine.Cpu)) != 0)
            {
                throw new SimulationException($"table {value & AddressMask:x} linked before its contents were ordered");
            }

            return;
        }

        if (vmid == 0)
        {
            CheckScrubbed(value, bytes);
        }

        AddLeaf(place.Vttbr, ipa, value & AddressMask, bytes);
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

    // A leaf appears: nobody else reaches its frames, nor might through an old translation. The OS and one PPAS may share a lent frame.
    private void AddLeaf(ulong vttbr, ulong ipa, ulong pa, ulong bytes)
    {
        if (!IsRam(pa) || IsCommon(pa))
        {
            return;
        }

        var vmid = (ushort)(vttbr >> 48);
        bool isLent = vmid != 0 && (ipa & LentBit) != 0;
        foreach (ref readonly StaleEntry entry in _stale.Items)
        {
            bool isOldLent = entry.Vmid != 0 && (entry.Ipa & LentBit) != 0;
            bool mayShare = (vmid == 0 && (entry.Vmid == 0 || isOldLent)) || (isLent && entry.Vmid == 0) || (vmid == entry.Vmid && isLent == isOldLent);
            if (entry.MayYield(pa, bytes) && !mayShare)
            {
                throw new SimulationException($"{pa:x} mapped for VMID {vmid} while a CPU may still reach it by VMID {entry.Vmid}");
            }
        }

        foreach (ref FrameShadow shadow in ShadowsOf(pa, bytes))
        {
            bool isFree = vmid == 0 ? shadow.PrivateLeaves + shadow.OsLeaves == 0
                : isLent ? shadow.PrivateLeaves + shadow.LentLeaves == 0
                : !shadow.IsMapped;
            if (!isFree || shadow.IsTable)
            {
                throw new SimulationException($"{pa:x} mapped for VMID {vmid} while another maps it");
            }

            shadow.OsLeaves += vmid == 0 ? (byte)1 : (byte)0;
            shadow.LentLeaves += isLent ? (byte)1 : (byte)0;
            shadow.PrivateLeaves += vmid != 0 && !isLent ? (byte)1 : (byte)0;
        }
    }

    private void RemoveLeaf(ulong vttbr, ulong ipa, ulong pa, ulong bytes)
    {
        if (!IsRam(pa) || IsCommon(pa))
        {
            return;
        }

        bool isOs = vttbr >> 48 == 0;
        bool isLent = !isOs && (ipa & LentBit) != 0;
        foreach (ref FrameShadow shadow in ShadowsOf(pa, bytes))
        {
            shadow.OsLeaves -= isOs ? (byte)1 : (byte)0;
            shadow.LentLeaves -= isLent ? (byte)1 : (byte)0;
            shadow.PrivateLeaves -= !isOs && !isLent ? (byte)1 : (byte)0;
        }
    }

    private Span<FrameShadow> ShadowsOf(ulong pa, ulong bytes) => MemoryMarshal.Cast<byte, FrameShadow>(
        _shadows.Touch(IndexOf(pa) * FrameShadow.Bytes, (int)(bytes / PageBytes) * FrameShadow.Bytes));

    // The shield's image and the published pages are the monitor's and read-only wherever they are mapped: Invariants look at those.
    private static bool IsCommon(ulong pa)
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        FrameNumber frame = new PhysicalAddress(pa).Frame;
        return frame.Value - layout.ShieldImage.First.Value < layout.ShieldImage.Count || frame.Value == layout.GateFrame.Value || frame.Value - layout.AuditFrame.Value < layout.PublishedFrames.Count;
    }

    private void Cache(in FrameShadow place, int index, ulong entry)
    {
        if (machine.Watched.Count == 0)
        {
            return;
        }

        ulong pa = entry & AddressMask;
        ulong ipa = place.Ipa + ((ulong)index * Size(place.Level));
        foreach (ulong frame in machine.Watched)
        {
            ulong offset = frame - pa;
            if (offset < Size(place.Level))
            {
                var cached = new TlbEntry((ushort)(place.Vttbr >> 48), ipa + offset, frame, (entry & (1UL << 7)) != 0, (entry & (1UL << 54)) == 0);
                foreach (SimulatedTlb tlb in machine.Tlbs)
                {
                    tlb.Add(cached);
                }
            }
        }
    }
}
