using System.Runtime.CompilerServices;
using BlackBox.Abi;
using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Fuzzing;

/// <summary>A simulated machine with a hostile OS and hostile shields, and observers beside it: what the calls answered (<see cref="Ghost"/>),
/// what stood in the registers of each task when it left a CPU. Performs steps and throws at the first thing that must not be.</summary>
internal sealed partial class FuzzWorld
{
    private const ulong OsPattern = 0x0505_0505_0505_0500;
    private const int MaximumSlots = 64;

    private readonly RegisterFile[] _left = new RegisterFile[MaximumSlots];
    private readonly LeftState[] _leftAs = new LeftState[MaximumSlots];
    private readonly int _base;
    private ulong _tag;

    private enum LeftState : byte
    {
        Nowhere,
        Preempted,
        InCall,
    }

    public FuzzWorld(int cpus)
    {
        MonitorEntropy.IsSeeded = true;
        BootFacts.Flags = BootFacts.Development;
        System = new SimulatedSystem(Names.Megabytes, cpus);
        foreach (SimulatedCpu cpu in System.Cpus)
        {
            cpu.Leaving = OnLeaving;
            cpu.Entered = OnEntered;
            for (int i = 0; i < 31; i++)
            {
                cpu.Os.General[i] = OsPattern + (ulong)i;
            }
        }

        _base = Machine.Mark();
    }

    public SimulatedSystem System { get; }

    public SimulatedMachine Machine => System.Machine;

    public Ghost Ghost { get; } = new();

    /// <summary>Are steps of several CPUs in progress? Answers can then not be told from one another's in all cases.</summary>
    public bool IsTogether { get; set; }

    /// <summary>Are registers compared when a task comes back? (Not where states are merged that differ in them.)</summary>
    public bool WatchesRegisters { get; set; } = true;

    /// <summary>Hypercalls of both interfaces so far.</summary>
    public long Calls { get; private set; }

    /// <summary>State of the enclave in the slot that a handle names.</summary>
    public EnclaveState LifeOf(ulong handle) =>
        (EnclaveState)(Machine.PeekWord(FrameTable.Layout.Enclaves.Value + (new EnclaveHandle(handle).Index * Enclave.Bytes)) & 0xff);

    /// <summary>State of the task in the slot that a handle names.</summary>
    public TaskState StateOf(ulong handle) =>
        (TaskState)(Machine.PeekLong(FrameTable.Layout.Tasks.Value + (new TaskHandle(handle).Slot * TaskSlot.Bytes)) & 0xff);

    /// <summary>Back to the booted machine.</summary>
    public void Reset()
    {
        Machine.Undo(_base);
        SimulatedSystem.ForgetRuns();
        Machine.Counter = 0;
        Ghost.Clear();
        Array.Clear(_leftAs);
        _tag = 0;
        IsTogether = false;
    }

    /// <summary>Performs one step on the calling thread.</summary>
    /// <returns>a number for what came out: equal outcomes, equal numbers</returns>
    public int Perform(in Step step)
    {
        SimulatedCpu cpu = System.Cpus[step.Cpu];
        if (step.IsOfContainer)
        {
            if (!IsInContainer(cpu) && (!cpu.Gate(Ghost.TaskHandle(step.Task % Names.Tasks), AbiConstants.GateResume) || !IsInContainer(cpu)))
            {
                return 0;
            }

            return (int)step.Kind | (PerformContainer(cpu, step) << 8);
        }

        if (IsInContainer(cpu))
        {
            Tag(ref cpu.Container);
            cpu.Interrupt();
        }

        return (int)step.Kind | (PerformOs(cpu, step) << 8);
    }

    private bool IsInContainer(SimulatedCpu cpu) =>
        Machine.PeekWord(Machine.RecordAddress + ((ulong)cpu.Index * CpuRecord.Bytes)) != 0;

    // The registers of a container change while it runs.
    private void Tag(ref RegisterFile registers)
    {
        if (!WatchesRegisters)
        {
            return;
        }

        _tag += 0x1001;
        for (int i = 4; i < 31; i++)
        {
            registers.General[i] = _tag + (ulong)i;
        }

        registers.SpEl0 = _tag;
        registers.Ttbr0 = _tag << 4;
        registers.TpidrEl0 = ~_tag;
        registers.Vector[0] = _tag * 3;
        registers.Vector[63] = _tag * 5;
        registers.Fpcr = _tag;
        registers.Pstate = (_tag & 0x3000) == 0 ? 0 : 0x3c5UL;
    }

    private void OnLeaving(SimulatedCpu cpu, LeaveReason? reason)
    {
        ref CpuRecord record = ref CpuRecord.Current;
        bool isEnd = reason == LeaveReason.Ended || (reason is null && record.Running.Ended != 0);
        if (isEnd)
        {
            // Its tickets end with it; the slot may have another life.
            ref GhostTask task = ref Ghost.FindTask(TaskOf(cpu));
            task.TicketsGone = task.TicketsIssued;
        }

        int slot = (int)record.Task - 1;
        if (WatchesRegisters && slot < MaximumSlots)
        {
            _leftAs[slot] = isEnd ? LeftState.Nowhere : reason is null ? LeftState.InCall : LeftState.Preempted;
            _left[slot] = record.Running.Registers;
        }
    }

    private void OnEntered(SimulatedCpu cpu)
    {
        if (!WatchesRegisters)
        {
            return;
        }

        ref CpuRecord record = ref CpuRecord.Current;
        int slot = (int)record.Task - 1;
        if (slot >= MaximumSlots || _leftAs[slot] == LeftState.Nowhere)
        {
            return;
        }

        ref RegisterFile now = ref record.Running.Registers;
        ref RegisterFile then = ref _left[slot];
        if (_leftAs[slot] == LeftState.InCall)
        {
            for (int i = 0; i < 4; i++)
            {
                then.General[i] = now.General[i];
            }
        }

        if (!Bytes(ref now).SequenceEqual(Bytes(ref then)))
        {
            int at = Bytes(ref now).CommonPrefixLength(Bytes(ref then));
            throw new FuzzException($"task {slot} came back with other registers than it left with: first at offset {at:x} of its register file");
        }

        _leftAs[slot] = LeftState.Nowhere;
    }

    private static ReadOnlySpan<byte> Bytes(ref RegisterFile registers) =>
        global::System.Runtime.InteropServices.MemoryMarshal.AsBytes(global::System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(ref registers, 1));

    private static int Outcome(Status? status) => status is { } known ? (int)-(long)known : 60;

    private static void Fail(string text) => throw new FuzzException(text);

    private static void Require(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref WhyText text)
    {
        if (!condition)
        {
            Fail(text.ToString());
        }
    }

    [InterpolatedStringHandler]
    private ref struct WhyText
    {
        private DefaultInterpolatedStringHandler _text;

        public WhyText(int literalLength, int formattedCount, bool condition, out bool isNeeded)
        {
            isNeeded = !condition;
            _text = condition ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount);
        }

        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

        public override string ToString() => _text.ToStringAndClear();
    }
}
