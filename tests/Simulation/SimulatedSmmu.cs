using System;
using System.Collections.Generic;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>An SMMUv3 as far as the monitor drives it: identification, queues, and a translation cache that keeps whatever it may: an entry that
/// was taken away works on until an invalidation of everything and a CMD_SYNC behind it were consumed.</summary>
public sealed class SimulatedSmmu(SimulatedMachine machine)
{
    /// <summary>Where its registers stand.</summary>
    public const ulong Registers = 0x0905_0000;

    private const ulong Identification0 = 0x0;
    private const ulong Identification1 = 0x4;
    private const ulong Identification5 = 0x14;
    private const ulong Control = 0x20;
    private const ulong ControlAcknowledge = 0x24;
    private const ulong BypassAttributes = 0x44;
    private const ulong CommandBase = 0x90;
    private const ulong CommandProduced = 0x98;
    private const ulong CommandConsumed = 0x9c;
    private const ulong EventBase = 0xa0;
    private const ulong EventProduced = 0x100a8;
    private const byte InvalidateAll = 0x30;
    private const byte ForgetConfiguration = 0x04;
    private const byte Synchronise = 0x46;
    private const uint Enabled = 0xd;

    private readonly Dictionary<ulong, uint> _values = [];
    private readonly HashSet<ulong> _stale = [];
    private bool _isInvalidated;

    /// <summary>Frames of RAM (by address) that a device may still reach although their entries are gone.</summary>
    public IReadOnlyCollection<ulong> Stale => _stale;

    /// <summary>Leaves commands unread, as a broken SMMU would.</summary>
    public bool IsStuck { get; set; }

    /// <summary>Does it translate, with queues on?</summary>
    public bool IsRunning => Value(Control) == Enabled;

    public uint Read(ulong address) => (address - Registers) switch
    {
        Identification0 => (1u << 27) | (1 << 24) | (1 << 4) | (2 << 2) | 2,
        Identification1 => (8u << 21) | (8 << 16) | 16,
        Identification5 => (1 << 4) | 5,
        ControlAcknowledge => Value(Control),
        BypassAttributes => Value(BypassAttributes) & ~(1u << 31),
        ulong register => Value(register),
    };

    public void Write(ulong address, uint value)
    {
        machine.BeforeAccess?.Invoke();
        ulong register = address - Registers;
        uint old = Value(register);
        _values[register] = value;
        if (register == CommandProduced && (Value(Control) & 8) != 0 && !IsStuck)
        {
            Consume(old, value);
        }
    }

    /// <summary>Is it one of the monitor's entries for the SMMU? They follow other rules than a CPU's tables.</summary>
    public bool Owns(ulong address)
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        return layout.DmaPages.Value != 0
            && (IsIn(address, layout.DmaPages, layout.Ram.Count * sizeof(ulong)) || IsIn(address, layout.DmaControl, Smmu.ControlBytes(1)));
    }

    public void OnEntryWrite(ulong address, ulong old, ulong value)
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        if (IsIn(address, layout.DmaPages, layout.Ram.Count * sizeof(ulong)) && (old & 1) != 0 && value != old)
        {
            _stale.Add(layout.Ram.First.Address.Value + ((address - layout.DmaPages.Value) / sizeof(ulong) * FrameNumber.Size));
        }
    }

    /// <summary>Puts records of refused accesses into the event queue.</summary>
    public void Fault(uint stream, ulong address)
    {
        uint produced = Value(EventProduced);
        ulong queue = (((ulong)Value(EventBase + 4) << 32) | Value(EventBase)) & 0xf_ffff_ffff_ffe0UL;
        ulong record = queue + ((produced & 127) * 32);
        machine.Bytes(record, 32).Clear();
        BitConverter.TryWriteBytes(machine.Bytes(record, 8), ((ulong)stream << 32) | 0x10);
        BitConverter.TryWriteBytes(machine.Bytes(record + 16, 8), address);
        _values[EventProduced] = (produced + 1) & 255;
    }

    /// <summary>After a jump to a saved state.</summary>
    public void Reset() => _stale.Clear();

    private static bool IsIn(ulong address, PhysicalAddress start, ulong bytes) => address - start.Value < bytes;

    private uint Value(ulong register) => _values.GetValueOrDefault(register);

    private void Consume(uint from, uint to)
    {
        ulong queue = (((ulong)Value(CommandBase + 4) << 32) | Value(CommandBase)) & 0xf_ffff_ffff_ffe0UL;
        for (uint at = from & 511; at != (to & 511); at = (at + 1) & 511)
        {
            byte command = machine.Peek(queue + ((at & 255) * 16), 1)[0];
            switch (command)
            {
                case InvalidateAll:
                    _isInvalidated = true;
                    break;
                case Synchronise when _isInvalidated:
                    _stale.Clear();
                    _isInvalidated = false;
                    break;
                case Synchronise or ForgetConfiguration:
                    break;
                default:
                    throw new SimulationException($"SMMU command {command:x}");
            }
        }

        _values[CommandConsumed] = to;
    }
}
