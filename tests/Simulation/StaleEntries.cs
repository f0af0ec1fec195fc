using System;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>A valid entry that was taken away: any CPU may still use it until its invalidation is complete.</summary>
internal struct StaleEntry
{
    public const ulong NoFrames = ulong.MaxValue;

    /// <summary>CPU that took it away.</summary>
    public int Cpu;
    public ushort Vmid;

    /// <summary>Address of the entry; 0: a whole tree.</summary>
    public ulong Address;
    public ulong Ipa;
    public ulong Bytes;

    /// <summary>First physical address that it yields (as many bytes), or <see cref="NoFrames"/>.</summary>
    public ulong Pa;

    /// <summary>Table that it linked, or 0.</summary>
    public ulong Child;

    /// <summary>Did a barrier of its CPU follow?</summary>
    public bool IsOrdered;

    /// <summary>CPUs that issued a TLBI for it; the next DSB of one of them completes it.</summary>
    public ushort Covered;

    public readonly bool Yields(ulong pa) => Pa != NoFrames && pa - Pa < Bytes;

    public readonly bool MayYield(ulong pa, ulong bytes) => Pa != NoFrames && pa < Pa + Bytes && Pa < pa + bytes;

    /// <summary>May a CPU still have this translation when the frame is that?</summary>
    public readonly bool IsAllowed(FrameWord word)
    {
        if (Address == 0)
        {
            return false; // frames of a dead enclave stay what they are until its VMID is invalidated
        }

        if (Vmid == 0)
        {
            return word.State is FrameState.Os or FrameState.Lent or FrameState.Published;
        }

        bool isLent = (Ipa & Abi.AbiConstants.LentBit) != 0;
        return word.Enclave == Vmid - 1u && (isLent ? word.State == FrameState.Lent : word.State is FrameState.Granted or FrameState.Private);
    }
}

/// <summary>All entries taken away whose invalidation is not complete.</summary>
internal sealed class StaleEntries
{
    private StaleEntry[] _items = new StaleEntry[1024];

    public int Count { get; private set; }

    public ReadOnlySpan<StaleEntry> Items => _items.AsSpan(0, Count);

    public void Add(in StaleEntry entry)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        _items[Count++] = entry;
    }

    public void Clear() => Count = 0;

    /// <param name="tlbs">lose what is completely invalidated now</param>
    public void OnBarrier(int cpu, bool isFull, SimulatedTlb[] tlbs)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            ref StaleEntry entry = ref _items[i];
            if (isFull && ((entry.Covered >> cpu) & 1) != 0)
            {
                foreach (SimulatedTlb tlb in tlbs)
                {
                    tlb.Invalidate(entry.Vmid, entry.Ipa, entry.Bytes);
                }

                continue;
            }

            entry.IsOrdered |= entry.Cpu == cpu;
            _items[kept++] = entry;
        }

        Count = kept;
    }

    public void OnInvalidate(int cpu, ushort vmid, ulong ipa, ulong bytes)
    {
        for (int i = 0; i < Count; i++)
        {
            ref StaleEntry entry = ref _items[i];
            if (entry.IsOrdered && entry.Vmid == vmid && entry.Ipa >= ipa && entry.Ipa + entry.Bytes <= ipa + bytes)
            {
                entry.Covered |= (ushort)(1 << cpu);
            }
        }
    }
}
