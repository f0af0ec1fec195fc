using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

public sealed partial class Invariants
{
    private void CheckTasks(int slotCount)
    {
        ReadOnlySpan<TaskSlot> slots = _machine.PeekArray<TaskSlot>(FrameTable.Layout.Tasks.Value, slotCount);
        ReadOnlySpan<uint> words = Words;
        int running = 0;
        int marked = _marked;
        foreach (ref Count count in _counts.AsSpan())
        {
            count.Running = 0;
        }

        _epoch++; // contexts are counted in the same array as tables
        for (int i = 0; i < slots.Length; i++)
        {
            ref readonly TaskSlot slot = ref slots[i];
            var state = (TaskState)(slot.Word & 0xff);
            if (state == TaskState.Free)
            {
                continue;
            }

            Require(state is > TaskState.Held and <= TaskState.Ended, $"task {i} is {state} between calls");
            int at = (int)(slot.Context.Value - FrameTable.Layout.Ram.First.Value);
            var context = new FrameWord(words[at]);
            Require(context.State == FrameState.Context && context.Enclave == slot.Enclave, $"context of task {i} is {context.State}");
            Require(_tables[at] != _epoch, $"two tasks share a context");
            _tables[at] = _epoch;
            Require(state != TaskState.Reserved || !_machine.Peek(slot.Context.Address.Value, (int)FrameNumber.Size).ContainsAnyExcept((byte)0), $"context of reserved task {i} is not wiped");
            for (ulong j = 0; j < slot.BufferFrames; j++)
            {
                var buffer = new FrameWord(words[(int)(slot.Buffer.Value + j - FrameTable.Layout.Ram.First.Value)]);
                Require(buffer.State == FrameState.Lent && buffer.IsBuffer && buffer.Enclave == slot.Enclave, $"buffer of task {i} is {buffer.State} of {buffer.Enclave}");
                marked--;
            }

            if (state == TaskState.Running)
            {
                _counts[slot.Enclave].Running++;
                running++;
            }
        }

        Require(marked == 0, $"buffer marks");
        CheckCpus(slots, running);
    }

    private void CheckCpus(ReadOnlySpan<TaskSlot> slots, int running)
    {
        _epoch++;
        foreach (SimulatedCpu cpu in _system.Cpus)
        {
            CpuRecord record = _machine.PeekArray<CpuRecord>(_machine.RecordAddress + ((ulong)cpu.Index * CpuRecord.Bytes), 1)[0];
            Require(record.Next == 0, $"CPU {cpu.Index} has a next task between calls");
            running -= CountRunning(slots, cpu.Index, record.Task) + CountRunning(slots, cpu.Index, record.Lender);
            if (record.Task != 0)
            {
                CheckThread(slots, cpu.Index, record);
            }

            Require(_machine.LoadedVttbr[cpu.Index] == (record.Task == 0 ? 0 : record.Vttbr), $"CPU {cpu.Index} is in another world than its record says");
        }

        Require(running == 0, $"a task runs on no CPU");
    }

    // Whose thread it is: a dying task has none but TaskExit's, and a CPU is lent inside an enclave only.
    private void CheckThread(ReadOnlySpan<TaskSlot> slots, int cpu, in CpuRecord record)
    {
        int own = (int)(record.Lender != 0 ? record.Lender : record.Task) - 1;
        Require(own < slots.Length && (int)record.Task <= slots.Length, $"CPU {cpu} runs a task that is none");
        Require(slots[own].Enclave == slots[(int)record.Task - 1].Enclave, $"CPU {cpu} was lent to another enclave");
        TaskContext context = _machine.PeekArray<TaskContext>(slots[own].Context.Address.Value, 1)[0];
        Require(context.Dying == 0 || record.IsInExit != 0, $"dying task {own} runs outside TaskExit");
    }

    private int CountRunning(ReadOnlySpan<TaskSlot> slots, int cpu, uint task)
    {
        if (task == 0)
        {
            return 0;
        }

        int slot = (int)task - 1;
        Require(slot < slots.Length && (TaskState)(slots[slot].Word & 0xff) == TaskState.Running, $"CPU {cpu} runs task {slot}, which does not run");
        Require(_tables[slot] != _epoch, $"task {slot} runs on two CPUs");
        _tables[slot] = _epoch;
        return 1;
    }

    private void CheckTlbs()
    {
        foreach (SimulatedTlb tlb in _machine.Tlbs)
        {
            foreach (TlbEntry entry in tlb.Entries)
            {
                var word = new FrameWord(Words[(int)((entry.Pa - _machine.RamBase) / FrameNumber.Size)]);
                Require(IsAllowed(entry, word), $"stale TLB entry {entry}: frame is {word.State} of {word.Enclave}");
                if (entry.Vmid != 0)
                {
                    // A dead enclave has no translations left that a later one of its VMID could use.
                    var state = (EnclaveState)(Enclaves[entry.Vmid - 1].Word & 0xff);
                    Require(state is EnclaveState.Live or EnclaveState.Stopped, $"TLB entry {entry} of an enclave that is {state}");
                }
            }
        }
    }

    private static bool IsAllowed(TlbEntry entry, FrameWord word)
    {
        if (entry.Vmid == 0)
        {
            return entry.Ipa - Abi.AbiConstants.GateIpa < Abi.AbiConstants.EvidenceIpa + Abi.AbiConstants.EvidenceSize - Abi.AbiConstants.GateIpa
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
public sealed class InvariantException(string message) : Exception(message);
