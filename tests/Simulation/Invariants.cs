using System;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>The monitor's invariants, checked from outside by walking the tables in memory as the hardware does: none of the
/// monitor's own walking code is used. To be asked when no call is in progress.</summary>
public sealed partial class Invariants
{
    private const ulong AddressMask = 0x0000_ffff_ffff_f000;
    private const ulong WriteBit = 1UL << 7;
    private const ulong NeverBit = 1UL << 54;
    private const ulong OsPage = Descriptor.ReadWriteExecute | 3;
    private const ulong LentBit = Abi.AbiConstants.LentBit;

    // Task slots that every check looks at; the monitor gives out the lowest free one. A full check looks at all.
    private const int FewTasks = 64;

    private static Invariants? _last;

    private readonly SimulatedSystem _system;
    private readonly SimulatedMachine _machine;
    private readonly int[] _mapped;
    private readonly int[] _tables;
    private readonly Count[] _counts = new Count[Constants.MaximumEnclaves];
    private readonly Tree[] _trees = new Tree[Constants.MaximumEnclaves + 1];
    private int _epoch;
    private long _wordsAt = -1;

    // What a tree was when it was last found to be right.
    private struct Tree
    {
        public long Changes;
        public long Owners;
        public ulong Vttbr;
        public int Blocks;
        public int Used;
    }

    private struct Count
    {
        public uint Owned;
        public uint Tables;
        public uint Lent;
        public uint Contexts;
        public uint Running;
    }

    private Invariants(SimulatedSystem system)
    {
        _system = system;
        _machine = system.Machine;
        _mapped = new int[FrameTable.Layout.Ram.Count];
        _tables = new int[FrameTable.Layout.Ram.Count];
    }

    // Between two full checks only trees that changed, or some frame of which did, are walked again.
    private bool IsUnchanged(uint vmid, ulong vttbr) => _trees[vmid] is var tree
        && tree.Changes == _machine.TreeChanges[vmid] && tree.Owners == _machine.OwnerChanges && tree.Vttbr == vttbr;

    private void Remember(uint vmid, ulong vttbr) => _trees[vmid] = new Tree
    {
        Changes = _machine.TreeChanges[vmid],
        Owners = _machine.OwnerChanges,
        Vttbr = vttbr,
        Blocks = _blocks,
        Used = _used,
    };

    private ReadOnlySpan<uint> Words => _machine.PeekArray<uint>(FrameTable.Layout.FrameWords.Value, (int)FrameTable.Layout.Ram.Count);

    private ReadOnlySpan<Enclave> Enclaves => _machine.PeekArray<Enclave>(FrameTable.Layout.Enclaves.Value, (int)Constants.MaximumEnclaves);

    /// <summary>Checks everything; throws with the first violation.</summary>
    public static void Check(SimulatedSystem system)
    {
        Invariants own = Of(system);
        Array.Clear(own._trees);
        own._wordsAt = -1;
        own.CheckAll((int)Constants.MaximumTasks);
    }

    /// <summary>The same without what did not change since the last check, and without the task slots that a short run cannot reach.</summary>
    public static void CheckQuickly(SimulatedSystem system) => Of(system).CheckAll(FewTasks);

    private static Invariants Of(SimulatedSystem system)
    {
        if (_last?._system != system)
        {
            _last = new Invariants(system);
        }

        return _last;
    }

    private void CheckAll(int tasks)
    {
        Require(_machine.Tables.Pending == 0, $"an entry taken away was never invalidated");
        Require(_machine.PeekWord(FrameTable.Layout.OsRecord.Value) == 0, $"lock of the OS's stage-2 is held");
        Require(_machine.LockedWords == 0, $"{_machine.LockedWords} frames are still locked");
        CheckOs();
        if (_wordsAt != _machine.OwnerChanges)
        {
            CountFrames();
            _wordsAt = _machine.OwnerChanges;
        }

        ReadOnlySpan<Enclave> enclaves = Enclaves;
        for (int i = 0; i < enclaves.Length; i++)
        {
            if (enclaves[i].Word == 0)
            {
                Require(enclaves[i].Lock == 0, $"lock of free enclave {i} is held");
                continue;
            }

            CheckEnclave((uint)i, enclaves[i]);
        }

        CheckTasks(tasks);
        CheckCounts(enclaves);
        CheckTlbs();
        Require(_machine.Smmu.IsRunning && _machine.Smmu.Stale.Count == 0, $"devices reach {_machine.Smmu.Stale.Count} frames by old entries");
    }

    // Devices reach exactly the OS's own frames, lent ones among them.
    private void CheckDevices(ReadOnlySpan<uint> words)
    {
        ReadOnlySpan<ulong> entries = _machine.PeekArray<ulong>(FrameTable.Layout.DmaPages.Value, words.Length);
        for (int i = 0; i < words.Length; i++)
        {
            ulong pa = _machine.RamBase + ((ulong)i * FrameNumber.Size);
            bool isOs = new FrameWord(words[i]).State is FrameState.Os or FrameState.Lent;
            Require(isOs ? (entries[i] & 0xf_ffff_ffff_f003UL) == (pa | 3) : entries[i] == 0, $"frame {pa:x}: devices have {entries[i]:x}");
        }
    }

    // Invariant 2, OS: exactly its own frames and lent ones at identity, and the gate page.
    private void CheckOs()
    {
        if (IsUnchanged(0, FrameTable.Layout.OsRoot.Value))
        {
            return;
        }

        _epoch++;
        ReadOnlySpan<uint> words = Words;
        CheckDevices(words);
        Walk(words, FrameTable.Layout.OsRoot.Value, 0, 1, isOs: true, 0);
        Walk(words, FrameTable.Layout.OsRoot.Value + FrameNumber.Size, 1UL << 39, 1, isOs: true, 0);
        for (int i = 0; i < words.Length; i++)
        {
            var word = new FrameWord(words[i]);
            bool isOs = word.State is FrameState.Os or FrameState.Lent;
            if (isOs != (_mapped[i] == _epoch) || word.IsLocked)
            {
                Require(!word.IsLocked, $"frame {i} ({word.State}) is still locked");
                Require(false, $"frame {i} is {word.State} and {(isOs ? "not " : "")}mapped for the OS");
            }
        }

        Remember(0, FrameTable.Layout.OsRoot.Value);
    }

    private void CountFrames()
    {
        Array.Clear(_counts);
        _marked = 0;
        ReadOnlySpan<uint> words = Words;
        for (int i = 0; i < words.Length; i++)
        {
            var word = new FrameWord(words[i]);
            _marked += word.IsBuffer ? 1 : 0;
            if (word.State > FrameState.Os)
            {
                CountFrame(i, word);
            }
        }
    }

    private int _marked;

    private void CountFrame(int index, FrameWord word)
    {
        Require(word.Enclave < Constants.MaximumEnclaves, $"frame {index} is of enclave {word.Enclave}");
        ref Count count = ref _counts[word.Enclave];
        switch (word.State)
        {
            case FrameState.Granted or FrameState.Private or FrameState.Released:
                count.Owned++;
                break;
            case FrameState.Lent:
                count.Lent++;
                break;
            case FrameState.Table:
                count.Tables++;
                break;
            default:
                Require(word.State == FrameState.Context, $"frame {index} has no state");
                count.Contexts++;
                break;
        }
    }

    // Invariant 2, PPAS: exactly its own frames, those lent to it, and the shield's image.
    private void CheckEnclave(uint index, in Enclave enclave)
    {
        var state = (EnclaveState)(enclave.Word & 0xff);
        Require(enclave.Lock == 0, $"lock of enclave {index} is held");
        Require(state is EnclaveState.Live or EnclaveState.Stopped or EnclaveState.Dead, $"enclave {index} is {state} between calls");
        ulong vttbr = enclave.Vttbr(index);
        Require(_machine.Tables.HasRoot(vttbr) == (state != EnclaveState.Dead), $"enclave {index} is {state}, its VMID was {(state == EnclaveState.Dead ? "not " : "")}invalidated");
        if (state == EnclaveState.Dead)
        {
            return; // its tables are memory that may be the OS's by now
        }

        if (IsUnchanged(index + 1, vttbr))
        {
            (_blocks, _used) = (_trees[index + 1].Blocks, 0);
            Require(enclave.Pool.Reserved == _blocks, $"pool of enclave {index}: {enclave.Pool.Reserved} reserved, {_blocks} blocks");
            return;
        }

        _epoch++;
        (_blocks, _used) = (0, 0);
        ReadOnlySpan<uint> words = Words;
        Walk(words, enclave.Root.Value, 0, 1, isOs: false, index);
        Walk(words, enclave.Root.Value + FrameNumber.Size, 1UL << 39, 1, isOs: false, index);
        for (int i = 0; i < words.Length; i++)
        {
            var word = new FrameWord(words[i]);
            if (word.State < FrameState.Lent && word.State != FrameState.ShieldImage && _mapped[i] != _epoch)
            {
                continue;
            }

            bool isMine = word.State == FrameState.ShieldImage
                || (word.Enclave == index && word.State is FrameState.Granted or FrameState.Private or FrameState.Lent && word.Enclave == index);
            Require(isMine == (_mapped[i] == _epoch), $"frame {i} ({word.State} of {word.Enclave}) is {(isMine ? "not " : "")}mapped in enclave {index}");
        }

        CheckPool(words, index, enclave);
        Remember(index + 1, vttbr);
    }

    private int _blocks;
    private int _used;

    private void CheckPool(ReadOnlySpan<uint> words, uint index, in Enclave enclave)
    {
        TablePool pool = enclave.Pool;
        Require(pool.Reserved == _blocks && pool.Count >= pool.Reserved, $"pool of enclave {index}: {pool.Count} free, {pool.Reserved} reserved, {_blocks} blocks");
        ulong next = pool.First.Value;
        for (uint i = 0; i < pool.Count; i++)
        {
            UseTable(words, next, isOs: false, index);
            Require(!_machine.Peek(next, (int)FrameNumber.Size)[8..].ContainsAnyExcept((byte)0), $"free table {next:x} is not zero");
            next = _machine.PeekLong(next);
        }

        Require(next == 0, $"the pool's list is longer than its count");
        Require((uint)_used == enclave.TableFrames, $"enclave {index} has {_used} tables, counts {enclave.TableFrames}");
    }

    private void CheckCounts(ReadOnlySpan<Enclave> enclaves)
    {
        for (int i = 0; i < enclaves.Length; i++)
        {
            ref readonly Enclave enclave = ref enclaves[i];
            ref Count count = ref _counts[i];
            if (enclave.Word == 0)
            {
                Require(count is { Owned: 0, Tables: 0, Lent: 0, Contexts: 0, Running: 0 }, $"free enclave {i} owns frames");
                continue;
            }

            Require(count.Owned == enclave.OwnedFrames && count.Tables == enclave.TableFrames && count.Lent == enclave.LentFrames && count.Contexts == enclave.Tasks,
                $"counts of enclave {i}: owned {count.Owned}/{enclave.OwnedFrames}, tables {count.Tables}/{enclave.TableFrames}, lent {count.Lent}/{enclave.LentFrames}, tasks {count.Contexts}/{enclave.Tasks}");
            Require(enclave.Word >> 8 == count.Running, $"enclave {i} counts {enclave.Word >> 8} running, {count.Running} are");
        }
    }

    private void Walk(ReadOnlySpan<uint> words, ulong table, ulong ipa, int level, bool isOs, uint enclave)
    {
        UseTable(words, table, isOs, enclave);
        int shift = 39 - (9 * level);
        ReadOnlySpan<ulong> entries = _machine.PeekTable(table);
        for (int i = 0; i < entries.Length; i++)
        {
            ulong entry = entries[i];
            if (isOs && level == 3 && entry == (OsPage | (ipa + ((ulong)i << shift))) && ipa + ((ulong)i << shift) - _machine.RamBase is var offset && offset < _machine.RamBytes)
            {
                _mapped[offset >> FrameNumber.Shift] = _epoch; // the common case
                continue;
            }

            if ((entry & 1) == 0)
            {
                Require(entry == 0, $"an invalid entry is not zero");
                continue;
            }

            ulong at = ipa + ((ulong)i << shift);
            if (level < 3 && (entry & 2) != 0)
            {
                Walk(words, entry & AddressMask, at, level + 1, isOs, enclave);
                continue;
            }

            Require(level == 3 ? (entry & 2) != 0 : level == 2 || isOs, $"a descriptor at the wrong level");
            _blocks += level == 2 ? 1 : 0;
            CheckLeaf(words, at, entry, 1UL << (shift - FrameNumber.Shift), isOs, enclave);
        }
    }

    private void CheckLeaf(ReadOnlySpan<uint> words, ulong ipa, ulong entry, ulong frames, bool isOs, uint enclave)
    {
        ulong pa = entry & AddressMask;
        bool isWritable = (entry & WriteBit) != 0;
        bool isExecutable = (entry & NeverBit) == 0;
        if (isOs && ipa - Abi.AbiConstants.GateIpa < Abi.AbiConstants.EvidenceIpa + Abi.AbiConstants.EvidenceSize - Abi.AbiConstants.GateIpa)
        {
            ulong published = ipa == Abi.AbiConstants.GateIpa ? FrameTable.Layout.GateFrame.Address.Value : FrameTable.Layout.AuditFrame.Address.Value + ipa - Abi.AbiConstants.AuditIpa;
            Require(pa == published && frames == 1 && !isWritable && !isExecutable, $"gate page");
            return;
        }

        if (isOs && !FrameTable.Contains(new PhysicalAddress(pa).Frame))
        {
            Require(!isExecutable && pa < _machine.RamBase && pa == ipa, $"device {pa:x}");
            return;
        }

        int first = (int)((pa - _machine.RamBase) / FrameNumber.Size);
        Require(pa >= _machine.RamBase && (ulong)first + frames <= (ulong)_mapped.Length, $"{ipa:x} is mapped to {pa:x}, which is no RAM");
        for (int i = first; i < first + (int)frames; i++)
        {
            _mapped[i] = _epoch;
            if (isOs || IsPlain(words[i], enclave, ipa == pa && isWritable))
            {
                continue; // the states are compared with the OS's for all frames afterwards
            }

            var word = new FrameWord(words[i]);
            bool isAllowed = word.State switch
            {
                FrameState.Granted or FrameState.Private => word.Enclave == enclave && ipa == pa && isWritable,
                FrameState.Lent => word.Enclave == enclave && ipa == (pa | LentBit) && isWritable && !isExecutable,
                FrameState.ShieldImage => ipa == pa && !isWritable,
                _ => false,
            };
            Require(isAllowed, $"enclave {enclave} maps {ipa:x} to {pa:x} ({(isWritable ? "w" : "")}{(isExecutable ? "x" : "")}): frame is {word.State} of {word.Enclave}");
        }

        Require(!isOs || (ipa == pa && isWritable && isExecutable), $"OS maps {ipa:x} to {pa:x}");
    }

    // The common case: a private frame of the enclave at its own address.
    private static bool IsPlain(uint word, uint enclave, bool isRight) => isRight && word == FrameWord.Of(FrameState.Private, enclave).Value;

    private void UseTable(ReadOnlySpan<uint> words, ulong table, bool isOs, uint enclave)
    {
        _used++;
        ulong frame = (table - _machine.RamBase) / FrameNumber.Size;
        Require(table >= _machine.RamBase && frame < (ulong)_tables.Length, $"table {table:x} is no RAM");
        Require(_tables[frame] != _epoch, $"table {table:x} is used twice");
        _tables[frame] = _epoch;
        var word = new FrameWord(words[(int)frame]);
        Require(isOs ? word.State == FrameState.Monitor : word.State == FrameState.Table && word.Enclave == enclave, $"table {table:x} is {word.State} of {word.Enclave}");
    }
}
