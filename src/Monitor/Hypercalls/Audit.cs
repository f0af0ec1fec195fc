using System.Runtime.InteropServices;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>What was refused, or cost an enclave its life: records in a ring that the OS can read and not write (the structures AuditHeader and AuditRecord of
/// src/Abi/abi.json). The rate is limited, so that who asks for the forbidden in a loop does not push out what others did.</summary>
public static partial class Audit
{
    /// <summary>Record of something that no enclave did.</summary>
    public const uint NoEnclave = uint.MaxValue;

    private const int Records = (int)((FrameNumber.Size / RecordBytes) - 1);
    private const ulong RecordBytes = 64;
    private const ulong PerSecond = 16;
    private const ulong Burst = 32;

    private static uint _lock;
    private static ulong _budget;
    private static ulong _period;
    private static uint _suppressed;

    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public uint Version;
        public uint Capacity;
        public ulong Written;
        public ulong Frequency;
    }

    [StructLayout(LayoutKind.Sequential, Size = (int)RecordBytes)]
    private struct Record
    {
        public ulong Number;
        public ulong Time;
        public uint Cpu;
        public uint Enclave;
        public uint Rule;
        public uint Suppressed;
        public ulong Call;
        public ulong Argument;
        public ulong Outcome;
    }

    /// <summary>Counts a refusal and notes it.</summary>
    /// <param name="rule">a constant AuditRule... of the interface</param>
    /// <param name="enclave">index of the offender's, or <see cref="NoEnclave"/></param>
    /// <param name="call">number of the call, or syndrome</param>
    /// <param name="argument">its first argument, or the address</param>
    /// <param name="outcome">the status, where there is one</param>
    public static void Refuse(uint rule, uint enclave, ulong call, ulong argument, Status outcome = Status.Denied)
    {
        CpuCounters.Current.Refusals++;
        SpinLock.Acquire(ref _lock);
        ulong time = Hardware.Counter;
        ulong period = time / (Hardware.CounterFrequency / PerSecond);
        _budget += period - _period;
        _budget = _budget < Burst ? _budget : Burst;
        _period = period;
        if (_budget == 0)
        {
            _suppressed++;
        }
        else
        {
            _budget--;
            Write(new Record { Time = time, Cpu = (uint)Hardware.CurrentCpu, Enclave = enclave, Rule = rule, Suppressed = _suppressed, Call = call, Argument = argument, Outcome = unchecked((ulong)outcome) });
            _suppressed = 0;
        }

        SpinLock.Release(ref _lock);
    }

    // A reader takes a record whose number is the same before and after, and not 0.
    private static void Write(Record record)
    {
        PhysicalAddress page = FrameTable.Layout.AuditFrame.Address;
        ref Header header = ref Hardware.At<Header>(page);
        header.Version = 1;
        header.Capacity = Records;
        header.Frequency = Hardware.CounterFrequency;
        PhysicalAddress slot = page + RecordBytes + (header.Written % Records * RecordBytes);
        Hardware.WriteLong(slot, 0);
        Hardware.DataBarrierStores();
        Hardware.At<Record>(slot) = record;
        Hardware.DataBarrierStores();
        header.Written++;
        Hardware.WriteLong(slot, header.Written);
    }
}
