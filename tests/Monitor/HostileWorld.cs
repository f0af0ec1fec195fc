using BlackBox.Abi;
using BlackBox.Simulation;

namespace BlackBox.Monitor.Tests;

/// <summary>A hostile OS and hostile shields on two CPUs: one step is one event on one CPU, chosen by five numbers. Arguments come
/// from small pools, so that legal calls are frequent and near misses too.</summary>
internal sealed class HostileWorld
{
    private static readonly ulong[] Counts = [1, 1, 1, 2, 2, 3, 4, 8, 512, 511, 0, 513, ulong.MaxValue];
    private static readonly ulong[] Offsets = [0, 0, 4, 4, 0x100, 8];

    private readonly TestBed _bed = new();
    private readonly List<ulong> _enclaves = [0, 1UL << 16, 0x7f];
    private readonly List<ulong> _tasks = [0, 1UL << 16, 0xffff_ffff_ffff];
    private readonly List<ulong> _frames = [];

    public HostileWorld()
    {
        foreach (ulong block in new ulong[] { 0, 256, 512, 520, 536, 600, 620, 700, 720, TestBed.BlockTwo, TestBed.BlockTwo + 2, TestBed.BlockThree, TestBed.BlockThree - 2 })
        {
            _frames.Add(TestBed.F(block));
            _frames.Add(TestBed.F(block + 1));
        }

        _frames.Add(FrameTable.Layout.ShieldImage.First.Address.Value);
        _frames.Add(FrameTable.Layout.GateFrame.Address.Value);
        _frames.Add(FrameTable.Layout.FrameWords.Value);
        _frames.Add(TestBed.F(0) + 1);
        _frames.Add(0);
        _frames.Add(ulong.MaxValue & ~0xfffUL);
        foreach (ulong frame in _frames.Where(frame => frame % 4096 == 0))
        {
            _bed.Machine.Watched.Add(frame);
        }
    }

    public TestBed Bed => _bed;

    /// <summary>How often each event had a certain outcome: shows that the steps reach something.</summary>
    public Dictionary<string, int> Outcomes { get; } = [];

    /// <summary>Brings up two enclaves with two tasks each, one preempted in the shield and one in a call, so that a sequence starts in the middle of things.</summary>
    public void Warm()
    {
        for (ulong i = 0; i < 2; i++)
        {
            (ulong enclave, ulong task) = _bed.Enter(i);
            _enclaves.Add(enclave);
            _tasks.Add(task);
            ulong child = _bed.Fork(enclave, task, (i * 20) + 1);
            _tasks.Add(child);
            _bed.Gate(child);
            _bed.Cpu.Interrupt();
            _bed.Call(OsFunction.GrantMemory, enclave, TestBed.F(TestBed.BlockTwo + (i * 512)), 512);
        }
    }

    public void Step(int cpuIndex, int operation, int a, int b, int c)
    {
        SimulatedCpu cpu = _bed.System.Cpus[cpuIndex];
        _bed.Machine.Tables.FillTlbs();
        _bed.Machine.InterruptAfter = c % 5 == 0 ? c % 3 : -1;
        string outcome = cpu.IsInContainer ? StepContainer(cpu, operation, a, b, c) : StepOs(cpu, operation, a, b, c);
        Outcomes[outcome] = Outcomes.GetValueOrDefault(outcome) + 1;
        Invariants.Check(_bed.System);
    }

    private static T Pick<T>(IReadOnlyList<T> list, int index) => list[index % list.Count];

    private string StepOs(SimulatedCpu cpu, int operation, int a, int b, int c)
    {
        ulong enclave = Pick(_enclaves, a);
        ulong task = Pick(_tasks, a);
        ulong frame = Pick(_frames, b);
        ulong count = Pick(Counts, c);
        switch (operation % 24)
        {
            case 0:
                ulong n = (ulong)(a % 2);
                return Created(cpu, cpu.Hypercall(1, TestBed.F(512 + (n * 2)), TestBed.F(n * 256), 256, TestBed.F(520 + (n * 16)), 16), _enclaves, true);
            case 1:
                return Created(cpu, cpu.Hypercall(1, frame, Pick(_frames, a), (ulong)(b % 4) * 128, Pick(_frames, c), count), _enclaves, true);
            case 2:
                return Name(OsFunction.DestroyEnclave, cpu.Hypercall(2, enclave));
            case 3:
                return Name(OsFunction.DonateTables, cpu.Hypercall(3, enclave, frame, count));
            case 4 or 5:
                return Name(OsFunction.GrantMemory, cpu.Hypercall(4, enclave, frame, count));
            case 6 or 7:
                return Name(OsFunction.ReclaimMemory, cpu.Hypercall(5, enclave, frame, count));
            case 8:
                return Name(OsFunction.SharePages, cpu.Hypercall(6, enclave, frame, count));
            case 9:
                return Name(OsFunction.UnsharePages, cpu.Hypercall(7, enclave, frame, count));
            case 10:
                return CreateTask(cpu, enclave, (ulong)(b % 4) + (ulong)(c % 2 * 20));
            case 11:
                return Created(cpu, cpu.Hypercall(8, enclave, Pick(_frames, c), frame, 2), _tasks, false);
            case 12:
                return Name(OsFunction.TaskClone, cpu.Hypercall(9, task, 0));
            case 13:
                return Name(OsFunction.TaskClone, cpu.Hypercall(9, task, Pick(_tasks, b)));
            case 14:
                return Name(OsFunction.TaskExec, cpu.Hypercall(10, task));
            case 15:
                return Name(OsFunction.TaskExit, cpu.Hypercall(11, task));
            case 16:
                return Name(OsFunction.TaskDestroy, cpu.Hypercall(12, task));
            case 17:
                return Name(OsFunction.Statistics, cpu.Hypercall(13, (ulong)(c % 4), enclave, frame));
            case 18:
                return Name((OsFunction)0, cpu.Hypercall((ulong)b * 7, enclave, frame));
            default:
                return "gate " + cpu.Gate(task, Pick(Offsets, b), (ulong)c, (ulong)a, frame);
        }
    }

    private string StepContainer(SimulatedCpu cpu, int operation, int a, int b, int c)
    {
        ulong frame = Pick(_frames, b);
        ulong count = Pick(Counts, c);
        switch (operation % 24)
        {
            case 0 or 1 or 2:
                cpu.Interrupt();
                return "interrupt " + cpu.LastDeparture.Kind;
            case 3 or 4:
                return "OsCall " + cpu.Shield(1, frame, count);
            case 5:
                return "OsFault " + cpu.Shield(2, frame);
            case 6:
                return "EventGet " + cpu.Shield(3);
            case 7 or 8:
                return "TicketIssue " + cpu.Shield(4, 1, 2, 3);
            case 9:
                return "TicketCancel " + cpu.Shield(5);
            case 10:
                return "TaskEnded " + cpu.Shield(6);
            case 11 or 12 or 13:
                return Result(ShieldFunction.AcceptMemory, cpu, frame, count);
            case 14 or 15:
                return Result(ShieldFunction.ReleaseMemory, cpu, frame, count);
            case 16:
                return Result(ShieldFunction.UnwrapKey, cpu, frame + ((ulong)(c % 3) * 100), 0);
            case 17:
                return c % 4 == 0 ? "Stop " + cpu.Shield(11, 1, frame, count) : Result(ShieldFunction.Log, cpu, frame, count);
            case 18 or 19 or 20:
                return "YieldTo " + cpu.Shield(13, Pick(_tasks, a));
            case 21 or 22:
                return "YieldBack " + cpu.Shield(14);
            default:
                ScribbleOwn(cpu, (byte)c);
                return "scribble";
        }
    }

    // As the module does it: lend a buffer, then reserve the task.
    private string CreateTask(SimulatedCpu cpu, ulong enclave, ulong n)
    {
        cpu.Hypercall(6, enclave, TestBed.F(TestBed.Buffer(n)), 2);
        return Created(cpu, cpu.Hypercall(8, enclave, TestBed.F(TestBed.Context(n)), TestBed.F(TestBed.Buffer(n)), 2), _tasks, false);
    }

    // The container writes into all frames that its CPU can reach.
    private void ScribbleOwn(SimulatedCpu cpu, byte value)
    {
        SimulatedMachine.Cpu = cpu.Index;
        ushort vmid = (ushort)(CpuRecord.Current.Enclave + 1);
        foreach (TlbEntry entry in _bed.Machine.Tlbs[cpu.Index].Entries.Where(entry => entry.Vmid == vmid && entry.IsWritable).ToList())
        {
            _bed.Machine.Scribble(entry.Pa, value);
        }
    }

    private static string Name(OsFunction function, Status? status) => $"{function} {(status is { } known ? known.ToString() : "runs")}";

    private static string Result(ShieldFunction function, SimulatedCpu cpu, ulong x0, ulong x1)
    {
        cpu.Shield((uint)function, x0, x1);
        return $"{function} {(Status)cpu.Container.General[0]}";
    }

    private string Created(SimulatedCpu cpu, Status? status, List<ulong> handles, bool isEnclave)
    {
        if (status == Status.Success)
        {
            ulong handle = cpu.Os.General[1];
            handles.Add(handle);
            if (isEnclave)
            {
                _bed.Machine.Tables.AddRoot(EnclaveTable.VttbrOf(new EnclaveHandle(handle).Index));
            }
        }

        return Name(isEnclave ? OsFunction.CreateEnclave : OsFunction.TaskCreate, status);
    }
}
