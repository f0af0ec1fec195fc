using BlackBox.Monitor;
using BlackBox.Simulation;

namespace BlackBox.Dev.Fuzzing;

/// <summary>Draws steps that make sense in the present state, near misses, and nonsense.</summary>
internal sealed class StepGenerator(FuzzWorld world, int cpus, ulong seed)
{
    private static readonly ulong[] OddCounts = [0, 511, 512, 513, 63, 64, 65, 200, 201, ulong.MaxValue, 1UL << 52, 1UL << 63];

    private static readonly StepKind[] OsKinds = Weigh(
        (StepKind.Version, 1), (StepKind.CreateEnclave, 5), (StepKind.DestroyEnclave, 3), (StepKind.DonateTables, 6), (StepKind.GrantMemory, 22),
        (StepKind.ReclaimMemory, 24), (StepKind.SharePages, 10), (StepKind.UnsharePages, 10), (StepKind.TaskCreate, 14), (StepKind.TaskClone, 18),
        (StepKind.TaskExec, 5), (StepKind.TaskExit, 10), (StepKind.TaskDestroy, 10), (StepKind.Statistics, 4), (StepKind.OtherOsCall, 1),
        (StepKind.Gate, 50), (StepKind.OsWrite, 3));

    private static readonly StepKind[] ContainerKinds = Weigh(
        (StepKind.OsCall, 22), (StepKind.OsFault, 3), (StepKind.EventGet, 6), (StepKind.TicketIssue, 14), (StepKind.TicketCancel, 4), (StepKind.TaskEnded, 6),
        (StepKind.AcceptMemory, 24), (StepKind.ReleaseMemory, 24), (StepKind.Random, 1), (StepKind.UnwrapKey, 3), (StepKind.Stop, 1), (StepKind.Log, 2),
        (StepKind.YieldTo, 12), (StepKind.YieldBack, 8), (StepKind.Attest, 1), (StepKind.OtherShieldCall, 1), (StepKind.Interrupt, 28), (StepKind.ShieldWrite, 6));

    private ulong _state = seed | 1;
    private uint[] _frames = Names.HotFrames;

    /// <summary>Begins a sequence. Half of them keep to four frames in two blocks: blocks are often split and made whole again then.</summary>
    /// <returns>keeps it to four?</returns>
    public bool Begin()
    {
        bool isNarrow = Below(2) == 0;
        _frames = isNarrow
            ? [Names.BlockTwo + (uint)Below(4), Names.BlockTwo + (uint)Below(4), Names.BlockThree - 1 - (uint)Below(4), Names.BlockThree + (uint)Below(4)]
            : Names.HotFrames;
        return isNarrow;
    }

    /// <summary>A number below the limit.</summary>
    public int Below(int limit) => (int)(Next() % (uint)limit);

    public uint Next()
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return (uint)((_state * 0x2545_f491_4f6c_dd1d) >> 32);
    }

    /// <summary>One step for any CPU.</summary>
    public Step One() => ForCpu(Below(cpus), 0, short.MaxValue);

    /// <summary>Steps for at least two CPUs, to run at once.</summary>
    public void Together(List<Step> steps)
    {
        uint group = Next() | 1;
        int first = Below(cpus);
        int width = cpus > 2 && Below(4) == 0 ? 3 : 2;
        // Small ranges: a schedule cannot do much with five hundred equal steps.
        int most = Below(16) == 0 ? 512 : 6;
        Step model = default;
        for (int i = 0; i < width; i++)
        {
            int cpu = (first + i) % cpus;
            for (int count = 1 + Below(3); count > 0; count--)
            {
                Step step = ForCpu(cpu, group, most);
                if (i > 0 && Below(2) == 0)
                {
                    // About the same object as the other CPU's: that is where it may hurt.
                    step = step with { Enclave = model.Enclave, Task = model.Task, Frame = model.Frame, Count = model.Count };
                    step = Below(4) == 0 && step.IsOfContainer == model.IsOfContainer ? step with { Kind = model.Kind, X = model.X, Task2 = model.Task2 } : step;
                }

                steps.Add(step);
                model = i == 0 ? step : model;
            }
        }
    }

    /// <summary>All that ends an enclave, as an orderly module does it: a sequence of chance rarely gets that far.</summary>
    public void Teardown(List<Step> steps)
    {
        int place = PickEnclave(StepKind.DestroyEnclave);
        ulong handle = world.Ghost.EnclaveAt[place];
        if (!world.Ghost.IsEnclave(handle))
        {
            return;
        }

        int cpu = Below(cpus);
        void Add(StepKind kind, int task = 0, uint frame = 0, ulong count = 1) => steps.Add(new Step(0, cpu, kind, place, task, 0, frame, 0, count, 1));
        for (int i = 0; i < cpus; i++)
        {
            steps.Add(new Step(0, i, StepKind.Version, 0, 0, 0, 0, 0, 0, 0)); // takes the CPU out of its container
        }

        Add(StepKind.DestroyEnclave);
        for (int i = 0; i < Names.Tasks; i++)
        {
            if (world.Ghost.IsTask(world.Ghost.TaskAt[i]) && world.Ghost.FindTask(world.Ghost.TaskAt[i]).Enclave == handle)
            {
                Add(StepKind.TaskDestroy, i);
            }
        }

        uint index = new EnclaveHandle(handle).Index;
        uint last = (uint)(FrameTable.Layout.Ram.End.Value - SimulatedSystem.FirstBlock.Value);
        for (uint first = 0; first < last;)
        {
            uint end = first + 1;
            bool isLent = world.WordOf(first).State == FrameState.Lent;
            bool isMine = world.WordOf(first) is { State: > FrameState.Os and not FrameState.Context } word && word.Enclave == index;
            while (isMine && end < last && end - first < 512 && world.WordOf(end) is { State: > FrameState.Os and not FrameState.Context } next
                && next.Enclave == index && next.State == FrameState.Lent == isLent)
            {
                end++;
            }

            if (isMine)
            {
                Add(isLent ? StepKind.UnsharePages : StepKind.ReclaimMemory, frame: first, count: end - first);
            }

            first = end;
        }

        Add(StepKind.DestroyEnclave);
    }

    private Step ForCpu(int cpu, uint group, int most)
    {
        CpuRecord record = world.Machine.PeekArray<CpuRecord>(world.Machine.RecordAddress + ((ulong)cpu * CpuRecord.Bytes), 1)[0];
        StepKind kind = record.Task == 0 ? OsKinds[Below(OsKinds.Length)] : ContainerKinds[Below(ContainerKinds.Length)];
        if (record.Task != 0 && Below(12) == 0)
        {
            kind = OsKinds[Below(OsKinds.Length)];
        }

        int enclave = Below(8) == 0 ? Below(Names.EnclaveNames) : PickEnclave(kind);
        int task = Below(8) == 0 ? Below(Names.TaskNames) : PickTask(kind);
        int other = Below(8) == 0 ? Below(Names.TaskNames) : PickTask(kind == StepKind.TaskClone ? StepKind.TaskExec : kind);
        if (kind is StepKind.TaskClone && Below(3) == 0)
        {
            other = 2 * Names.Tasks; // the first task
        }

        int x = Below(2) == 0 ? 0 : Below(256);
        (uint frame, ulong count) = PickRange(kind, record.Task == 0 ? IndexOf(enclave) : record.Enclave, most);
        x = kind switch
        {
            StepKind.CreateEnclave => Below(3) == 0 ? Below(6) : 0,
            StepKind.TaskCreate => Below(4) == 0 ? Below(16) : 8,
            StepKind.Gate => Below(6) == 0 ? x : 4 * Below(20),
            _ => x,
        };
        return new Step(group, cpu, kind, enclave, task, other, frame, Names.HotFrames[Below(Names.HotFrames.Length)], count, x);
    }

    // An enclave for which the call makes sense, if one is found.
    private int PickEnclave(StepKind kind)
    {
        int place = Below(Names.Enclaves);
        for (int i = 0; i < Names.Enclaves; i++, place = (place + 1) % Names.Enclaves)
        {
            EnclaveState state = world.Ghost.IsEnclave(world.Ghost.EnclaveAt[place]) ? world.LifeOf(world.Ghost.EnclaveAt[place]) : EnclaveState.Free;
            if (kind switch
            {
                StepKind.CreateEnclave => state == EnclaveState.Free,
                StepKind.DestroyEnclave => state != EnclaveState.Free,
                StepKind.ReclaimMemory or StepKind.UnsharePages or StepKind.TaskDestroy => state != EnclaveState.Free && (state != EnclaveState.Live || Below(2) == 0),
                _ => state == EnclaveState.Live,
            })
            {
                return place;
            }
        }

        return place;
    }

    // A task for which the call makes sense, if one is found. For YieldTo and the parent of a clone it is the second name that counts.
    private int PickTask(StepKind kind)
    {
        int place = Below(Names.Tasks);
        for (int i = 0; i < Names.Tasks; i++, place = (place + 1) % Names.Tasks)
        {
            TaskState state = world.Ghost.IsTask(world.Ghost.TaskAt[place]) ? world.StateOf(world.Ghost.TaskAt[place]) : TaskState.Free;
            if (kind switch
            {
                StepKind.TaskCreate => state == TaskState.Free,
                StepKind.TaskClone => state == TaskState.Reserved,
                StepKind.TaskExec => state == TaskState.InCall,
                StepKind.TaskExit => state is TaskState.Ended || Below(6) == 0,
                StepKind.TaskDestroy => state is TaskState.Reserved || Below(3) == 0,
                StepKind.YieldTo => state == TaskState.Preempted,
                _ => state is TaskState.Ready or TaskState.Preempted or TaskState.InCall,
            })
            {
                return place;
            }
        }

        return place;
    }

    private uint IndexOf(int enclave)
    {
        ulong handle = world.Ghost.EnclaveHandle(enclave);
        return new EnclaveHandle(handle).Index;
    }

    // Frames in the state that the call wants, most of the time.
    private (uint Frame, ulong Count) PickRange(StepKind kind, uint enclave, int most)
    {
        if (Below(10) == 0)
        {
            uint wild = Below(3) == 0 ? Names.Special + (uint)Below((int)Names.SpecialCount) : Names.HotFrames[Below(Names.HotFrames.Length)];
            return (wild, Below(3) == 0 ? OddCounts[Below(OddCounts.Length)] : 1 + (ulong)Below(8));
        }

        if (most >= 512 && Below(12) == 0 && kind is StepKind.GrantMemory or StepKind.AcceptMemory or StepKind.ReleaseMemory or StepKind.ReclaimMemory)
        {
            return Below(3) switch
            {
                0 => (Names.BlockTwo, 512),
                1 => (Names.Memory((int)enclave % Names.Enclaves), 256),
                _ => (Names.BlockTwo + (uint)Below(8), 504),
            };
        }

        if (kind == StepKind.ReclaimMemory && Below(6) == 0)
        {
            int n = (int)enclave % Names.Enclaves;
            return Below(3) switch { 0 => (Names.Root(n), 2), 1 => (Names.Tables(n), Names.TableFrames), _ => (Names.Memory(n), 256) };
        }

        uint frame = _frames[Below(_frames.Length)];
        for (int attempt = 0; attempt < 24 && !Fits(kind, world.WordOf(frame), enclave); attempt++)
        {
            frame = _frames[Below(_frames.Length)];
        }

        if (kind is StepKind.SharePages or StepKind.UnsharePages && Below(3) == 0)
        {
            return (Names.Buffer(Below(Names.Tasks)), 2);
        }

        int limit = Math.Min(most, Below(8) == 0 ? 24 : 4);
        ulong count = 1;
        uint word = world.WordOf(frame).Value;
        while (count < (ulong)limit && world.WordOf(frame + (uint)count).Value == word && Below(3) != 0)
        {
            count++;
        }

        return (frame, count + (Below(16) == 0 ? 1u : 0u));
    }

    private static bool Fits(StepKind kind, FrameWord word, uint enclave) => kind switch
    {
        StepKind.GrantMemory or StepKind.SharePages or StepKind.DonateTables or StepKind.Statistics or StepKind.OsWrite => word.State == FrameState.Os,
        StepKind.ReclaimMemory => word.State is FrameState.Granted or FrameState.Released or FrameState.Table or FrameState.Private && word.Enclave == enclave,
        StepKind.UnsharePages => word.State == FrameState.Lent && word.Enclave == enclave,
        StepKind.AcceptMemory => word.State == FrameState.Granted && word.Enclave == enclave,
        StepKind.ReleaseMemory or StepKind.UnwrapKey or StepKind.Attest or StepKind.ShieldWrite => word.State == FrameState.Private && word.Enclave == enclave,
        _ => true,
    };

    private static StepKind[] Weigh(params (StepKind Kind, int Weight)[] weights) =>
        [.. weights.SelectMany(item => Enumerable.Repeat(item.Kind, item.Weight))];
}
