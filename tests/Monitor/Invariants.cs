using System.Runtime.InteropServices;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using BlackBox.Simulation;

namespace BlackBox.Monitor.Tests;

/// <summary>The monitor's invariants, checked from outside by walking the tables in memory as the hardware does: none of the
/// monitor's own walking code is used.</summary>
internal static class Invariants
{
    private const ulong AddressMask = 0x0000_ffff_ffff_f000;
    private const ulong WriteBit = 1UL << 7;
    private const ulong NeverBit = 1UL << 54;

    private readonly record struct Leaf(ulong Ipa, ulong Pa, bool IsWritable, bool IsExecutable);

    /// <summary>Checks everything; throws with the first violation.</summary>
    public static void Check(SimulatedSystem system)
    {
        FrameWord[] words = ReadWords(system.Machine);
        CheckOs(system.Machine, words);
        var enclaves = new Enclave[Constants.MaximumEnclaves];
        for (uint i = 0; i < Constants.MaximumEnclaves; i++)
        {
            enclaves[i] = EnclaveTable.At(i);
            if ((EnclaveState)(enclaves[i].Word & 0xff) is EnclaveState.Free)
            {
                Require(enclaves[i].Word == 0 && enclaves[i].Lock == 0, $"free enclave {i} has word {enclaves[i].Word:x}");
                continue;
            }

            CheckEnclave(system.Machine, words, i, enclaves[i]);
        }

        CheckCounts(words, enclaves);
        CheckTasks(system, words, enclaves);
        CheckTlbs(system.Machine, words, enclaves);
        CheckDevices(system.Machine, words);
        Require(system.Machine.Tables.Pending == 0, $"an entry taken away was never invalidated");
        Require(system.Machine.PeekWord(FrameTable.Layout.OsRecord.Value) == 0, $"lock of the OS's stage-2 is held");
    }

    /// <summary>TLB entries alone: fast enough for each step of a search.</summary>
    public static void CheckTlbs(SimulatedMachine machine)
    {
        var enclaves = new Enclave[Constants.MaximumEnclaves];
        for (uint i = 0; i < 8; i++)
        {
            enclaves[i] = EnclaveTable.At(i);
        }

        CheckTlbs(machine, null, enclaves);
    }

    private static void CheckTlbs(SimulatedMachine machine, FrameWord[]? words, Enclave[] enclaves)
    {
        foreach (SimulatedTlb tlb in machine.Tlbs)
        {
            foreach (TlbEntry entry in tlb.Entries)
            {
                FrameWord word = words is null ? ReadWord(machine, entry.Pa) : words[IndexOf(entry.Pa)];
                Require(IsAllowed(entry, word), $"stale TLB entry {entry}: frame is {word.State} of {word.Enclave}");
                if (entry.Vmid != 0)
                {
                    // A dead enclave has no translations left that a later one of its VMID could use.
                    var state = (EnclaveState)(enclaves[entry.Vmid - 1].Word & 0xff);
                    Require(state is EnclaveState.Live or EnclaveState.Stopped, $"TLB entry {entry} of an enclave that is {state}");
                }
            }
        }
    }

    // Devices reach exactly the OS's own frames; nothing that was taken away is still cached in the SMMU.
    private static void CheckDevices(SimulatedMachine machine, FrameWord[] words)
    {
        ReadOnlySpan<ulong> entries = MemoryMarshal.Cast<byte, ulong>(machine.Peek(FrameTable.Layout.DmaPages.Value, words.Length * sizeof(ulong)));
        for (int i = 0; i < words.Length; i++)
        {
            ulong pa = machine.RamBase + ((ulong)i * FrameNumber.Size);
            bool isOs = words[i].State is FrameState.Os or FrameState.Lent;
            Require(isOs ? (entries[i] & 0xf_ffff_ffff_f003UL) == (pa | 3) : entries[i] == 0, $"frame {pa:x} is {words[i].State}, devices have {entries[i]:x}");
        }

        Require(machine.Smmu.IsRunning && machine.Smmu.Stale.Count == 0, $"devices reach {machine.Smmu.Stale.Count} frames by old entries");
    }

    private static bool IsAllowed(TlbEntry entry, FrameWord word)
    {
        if (entry.Vmid == 0)
        {
            return entry.Ipa is AbiGate or AbiAudit
                ? word.State == FrameState.Published && !entry.IsWritable && !entry.IsExecutable
                : word.State is FrameState.Os or FrameState.Lent && entry.Ipa == entry.Pa;
        }

        uint enclave = entry.Vmid - 1u;
        return word.State switch
        {
            FrameState.Granted or FrameState.Private => word.Enclave == enclave && entry.Ipa == entry.Pa,
            FrameState.Lent => word.Enclave == enclave && entry.Ipa == (entry.Pa | LentBit) && !entry.IsExecutable,
            FrameState.ShieldImage => entry.Ipa == entry.Pa && !entry.IsWritable,
            _ => false,
        };
    }

    private const ulong AbiGate = Constants.GateIpa;
    private const ulong AbiAudit = Abi.AbiConstants.AuditIpa;
    private const ulong LentBit = Abi.AbiConstants.LentBit;

    // Invariant 2, OS: exactly its own frames and lent ones at identity, and the gate page.
    private static void CheckOs(SimulatedMachine machine, FrameWord[] words)
    {
        var mapped = new bool[words.Length];
        foreach (Leaf leaf in Walk(machine, FrameTable.Layout.OsRoot.Value))
        {
            if (leaf.Ipa is AbiGate or AbiAudit)
            {
                FrameNumber published = leaf.Ipa == AbiGate ? FrameTable.Layout.GateFrame : FrameTable.Layout.AuditFrame;
                Require(leaf.Pa == published.Address.Value && !leaf.IsWritable && !leaf.IsExecutable, $"gate page");
                continue;
            }

            Require(leaf.Ipa == leaf.Pa, $"OS maps {leaf.Ipa:x} to {leaf.Pa:x}");
            if (!FrameTable.Contains(new PhysicalAddress(leaf.Pa).Frame))
            {
                Require(!leaf.IsExecutable && leaf.Pa < machine.RamBase, $"device {leaf.Pa:x}");
                continue;
            }

            Require(leaf.IsWritable && leaf.IsExecutable, $"OS frame {leaf.Pa:x} without rights");
            mapped[IndexOf(leaf.Pa)] = true;
        }

        for (int i = 0; i < words.Length; i++)
        {
            bool isOs = words[i].State is FrameState.Os or FrameState.Lent;
            Require(isOs == mapped[i], $"frame {i} is {words[i].State} and {(mapped[i] ? "" : "not ")}mapped for the OS");
            Require(!words[i].IsLocked, $"frame {i} ({words[i].State}) is still locked");
            Require(words[i].State <= FrameState.Context, $"frame {i} has no state");
        }
    }

    // Invariant 2, PPAS: exactly its own frames, those lent to it, and the shield's image.
    private static void CheckEnclave(SimulatedMachine machine, FrameWord[] words, uint index, Enclave enclave)
    {
        Require(enclave.Lock == 0, $"lock of enclave {index} is held");
        if ((EnclaveState)(enclave.Word & 0xff) == EnclaveState.Dead)
        {
            return; // its tables are memory that may be the OS's by now
        }

        var tables = new HashSet<ulong>();
        var seen = new HashSet<ulong>();
        uint blocks = 0;
        foreach (Leaf leaf in Walk(machine, enclave.Root.Value, tables, () => blocks++))
        {
            Require(FrameTable.Contains(new PhysicalAddress(leaf.Pa).Frame), $"enclave {index} maps {leaf.Pa:x}");
            FrameWord word = words[IndexOf(leaf.Pa)];
            var entry = new TlbEntry((ushort)(index + 1), leaf.Ipa, leaf.Pa, leaf.IsWritable, leaf.IsExecutable);
            Require(IsAllowed(entry, word), $"enclave {index} maps {leaf.Ipa:x} to {leaf.Pa:x}: frame is {word.State} of {word.Enclave}");
            Require(leaf.IsWritable == (word.State != FrameState.ShieldImage), $"rights of {leaf.Ipa:x}");
            seen.Add(leaf.Pa);
        }

        for (int i = 0; i < words.Length; i++)
        {
            bool isMine = words[i].State == FrameState.ShieldImage
                || (words[i].Enclave == index && words[i].State is FrameState.Granted or FrameState.Private or FrameState.Lent && words[i].Enclave == index);
            ulong pa = machine.RamBase + ((ulong)i * FrameNumber.Size);
            Require(isMine == seen.Contains(pa), $"frame {pa:x} ({words[i].State} of {words[i].Enclave}) in enclave {index}: {seen.Contains(pa)}");
        }

        CheckPool(machine, words, index, enclave, tables, blocks);
    }

    private static void CheckPool(SimulatedMachine machine, FrameWord[] words, uint index, Enclave enclave, HashSet<ulong> tables, uint blocks)
    {
        TablePool pool = enclave.Pool;
        Require(pool.Reserved == blocks && pool.Count >= pool.Reserved, $"pool of enclave {index}: {pool.Count} free, {pool.Reserved} reserved, {blocks} blocks");
        ulong next = pool.First.Value;
        for (uint i = 0; i < pool.Count; i++)
        {
            Require(tables.Add(next), $"table {next:x} is free and in use");
            ReadOnlySpan<byte> rest = machine.Peek(next, (int)FrameNumber.Size)[8..];
            Require(!rest.ContainsAnyExcept((byte)0), $"free table {next:x} is not zero");
            next = machine.PeekLong(next);
        }

        Require(next == 0, $"the pool's list is longer than its count");
        foreach (ulong table in tables)
        {
            FrameWord word = words[IndexOf(table)];
            Require(word.State == FrameState.Table && word.Enclave == index, $"table {table:x} of enclave {index} is {word.State} of {word.Enclave}");
        }

        Require((uint)tables.Count == enclave.TableFrames, $"enclave {index} has {tables.Count} tables, counts {enclave.TableFrames}");
    }

    private static void CheckCounts(FrameWord[] words, Enclave[] enclaves)
    {
        var owned = new uint[enclaves.Length];
        var tables = new uint[enclaves.Length];
        var lent = new uint[enclaves.Length];
        var contexts = new uint[enclaves.Length];
        foreach (FrameWord word in words)
        {
            switch (word.State)
            {
                case FrameState.Granted or FrameState.Private or FrameState.Released:
                    owned[word.Enclave]++;
                    break;
                case FrameState.Table:
                    tables[word.Enclave]++;
                    break;
                case FrameState.Lent:
                    lent[word.Enclave]++;
                    break;
                case FrameState.Context:
                    contexts[word.Enclave]++;
                    break;
            }
        }

        for (int i = 0; i < enclaves.Length; i++)
        {
            Require(owned[i] == enclaves[i].OwnedFrames && tables[i] == enclaves[i].TableFrames && lent[i] == enclaves[i].LentFrames && contexts[i] == enclaves[i].Tasks,
                $"counts of enclave {i}");
            bool isFree = (enclaves[i].Word & 0xff) == 0;
            Require(!isFree || owned[i] + tables[i] + lent[i] + contexts[i] == 0, $"free enclave {i} owns frames");
        }
    }

    private static void CheckTasks(SimulatedSystem system, FrameWord[] words, Enclave[] enclaves)
    {
        var running = new uint[enclaves.Length];
        var contexts = new HashSet<ulong>();
        var runningSlots = new HashSet<uint>();
        ulong bufferFrames = 0;
        for (uint i = 0; i < Constants.MaximumTasks; i++)
        {
            TaskState state = TaskTable.StateOf(ref TaskTable.At(i), out _);
            if (state == TaskState.Free)
            {
                continue;
            }

            Require(state != TaskState.Held, $"task {i} is held");
            TaskSlot slot = TaskTable.At(i);
            FrameWord context = words[IndexOf(slot.Context.Address.Value)];
            Require(context.State == FrameState.Context && context.Enclave == slot.Enclave, $"context of task {i} is {context.State}");
            Require(contexts.Add(slot.Context.Value), $"two tasks share a context");
            for (ulong j = 0; j < slot.BufferFrames; j++)
            {
                FrameWord buffer = words[IndexOf((slot.Buffer + j).Address.Value)];
                Require(buffer.State == FrameState.Lent && buffer.IsBuffer && buffer.Enclave == slot.Enclave, $"buffer of task {i} is {buffer.State}");
                bufferFrames++;
            }

            if (state == TaskState.Running)
            {
                running[slot.Enclave]++;
                runningSlots.Add(i);
            }
        }

        Require((ulong)words.Count(word => word.IsBuffer) == bufferFrames, $"buffer marks");
        for (int i = 0; i < enclaves.Length; i++)
        {
            Require(enclaves[i].Word >> 8 == running[i], $"enclave {i} counts {enclaves[i].Word >> 8} running, {running[i]} are");
        }

        foreach (SimulatedCpu cpu in system.Cpus)
        {
            CpuRecord record = Hardware.RecordOf((uint)cpu.Index);
            Require(record.Next == 0, $"next");
            foreach (uint slot in new[] { record.Task, record.Lender })
            {
                Require(slot == 0 || runningSlots.Remove(slot - 1), $"CPU {cpu.Index} runs task {slot - 1}, which does not run");
            }
        }

        Require(runningSlots.Count == 0, $"a task runs on no CPU");
    }

    private static FrameWord[] ReadWords(SimulatedMachine machine)
    {
        ulong count = FrameTable.Layout.Ram.Count;
        var words = new FrameWord[count];
        ReadOnlySpan<uint> raw = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(machine.Peek(FrameTable.Layout.FrameWords.Value, (int)count * 4));
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = new FrameWord(raw[i]);
        }

        return words;
    }

    private static FrameWord ReadWord(SimulatedMachine machine, ulong pa) =>
        new(machine.PeekWord(FrameTable.Layout.FrameWords.Value + ((ulong)IndexOf(pa) * 4)));

    private static int IndexOf(ulong pa) => (int)((pa - SimulatedSystem.RamBase) / FrameNumber.Size);

    private static List<Leaf> Walk(SimulatedMachine machine, ulong root, HashSet<ulong>? tables = null, Action? onBlock = null)
    {
        var leaves = new List<Leaf>(8192);
        for (ulong i = 0; i < 2; i++)
        {
            Walk(leaves, machine, root + (i * FrameNumber.Size), i << 39, 1, tables, onBlock);
        }

        return leaves;
    }

    private static void Walk(List<Leaf> leaves, SimulatedMachine machine, ulong table, ulong ipa, int level, HashSet<ulong>? tables, Action? onBlock)
    {
        Require(tables is null || tables.Add(table), $"a table is linked twice");
        int shift = 39 - (9 * level);
        ReadOnlySpan<ulong> entries = machine.PeekTable(table);
        for (int i = 0; i < entries.Length; i++)
        {
            ulong entry = entries[i];
            if ((entry & 1) == 0)
            {
                Require(entry == 0, $"an invalid entry is not zero");
                continue;
            }

            ulong at = ipa + ((ulong)i << shift);
            ulong pa = entry & AddressMask;
            if (level < 3 && (entry & 2) != 0)
            {
                Walk(leaves, machine, pa, at, level + 1, tables, onBlock);
                continue;
            }

            Require(level == 3 ? (entry & 2) != 0 : level == 2 || onBlock is null, $"a descriptor at the wrong level");
            if (level == 2)
            {
                onBlock?.Invoke();
            }

            for (ulong offset = 0; offset < 1UL << shift; offset += FrameNumber.Size)
            {
                leaves.Add(new Leaf(at + offset, pa + offset, (entry & WriteBit) != 0, (entry & NeverBit) == 0));
            }
        }
    }

    private static void Require([DoesNotReturnIf(false)] bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureText message)
    {
        if (!condition)
        {
            throw new InvariantException(message.ToString());
        }
    }
}

/// <summary>Builds a message only when the condition it explains is false.</summary>
[InterpolatedStringHandler]
internal ref struct FailureText
{
    private DefaultInterpolatedStringHandler _text;

    public FailureText(int literalLength, int formattedCount, bool condition, out bool isNeeded)
    {
        isNeeded = !condition;
        _text = condition ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount);
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    public override string ToString() => _text.ToStringAndClear();
}

/// <summary>One of the monitor's invariants does not hold.</summary>
internal sealed class InvariantException(string message) : Exception(message);
