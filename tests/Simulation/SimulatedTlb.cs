using System.Collections.Generic;
using System.Linq;

namespace BlackBox.Simulation;

/// <summary>One cached stage-2 translation of a 4 KiB page.</summary>
public readonly record struct TlbEntry(ushort Vmid, ulong Ipa, ulong Pa, bool IsWritable, bool IsExecutable);

/// <summary>Translations that one CPU may still use, whatever the tables say by now.</summary>
public sealed class SimulatedTlb
{
    private const ulong FrameBytes = 4096;

    private readonly Dictionary<(ushort Vmid, ulong Ipa), TlbEntry> _entries = [];

    public IEnumerable<TlbEntry> Entries => _entries.Values;

    public void Add(TlbEntry entry) => _entries[(entry.Vmid, entry.Ipa)] = entry;

    public bool TryFind(ushort vmid, ulong ipa, out TlbEntry entry) => _entries.TryGetValue((vmid, ipa), out entry);

    public void Invalidate(ushort vmid, ulong ipa, ulong bytes)
    {
        if (_entries.Count == 0)
        {
            return;
        }

        if (bytes <= FrameBytes)
        {
            _entries.Remove((vmid, ipa));
            return;
        }

        foreach ((ushort Vmid, ulong Ipa) key in _entries.Keys.Where(key => key.Vmid == vmid && key.Ipa - ipa < bytes).ToList())
        {
            _entries.Remove(key);
        }
    }

    public void Clear() => _entries.Clear();
}
