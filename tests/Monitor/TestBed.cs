using BlackBox.Abi;
using BlackBox.Simulation;
using Xunit;

namespace BlackBox.Monitor.Tests;

/// <summary>A booted machine with helpers for the usual steps. 16 MiB of RAM: the OS has five blocks of 2 MiB.</summary>
internal sealed class TestBed
{
    /// <summary>First frames of the OS's blocks that tests use for memory (0, 1 are the enclaves' own).</summary>
    public const ulong BlockTwo = 1024;
    public const ulong BlockThree = 1536;

    public TestBed(int cpus = 2)
    {
        MonitorEntropy.IsSeeded = true;
        BootFacts.Flags = BootFacts.Development;
        System = new SimulatedSystem(16, cpus);
        foreach (ulong block in new ulong[] { 0, 512, BlockTwo, BlockThree })
        {
            for (ulong i = 0; i < 4; i++)
            {
                System.Machine.Watched.Add(F(block + i));
            }
        }
    }

    public SimulatedSystem System { get; }

    public SimulatedMachine Machine => System.Machine;

    public SimulatedCpu Cpu => System.Cpus[0];

    public SimulatedCpu Cpu2 => System.Cpus[1];

    /// <summary>Physical address of the n-th frame of the OS's RAM.</summary>
    public static ulong F(ulong n) => SimulatedSystem.Frame(n);

    public static FrameWord Word(ulong n) => FrameTable.Read(new PhysicalAddress(F(n)).Frame);

    public Status Call(OsFunction function, ulong x1 = 0, ulong x2 = 0, ulong x3 = 0, ulong x4 = 0, ulong x5 = 0)
    {
        Machine.Tables.FillTlbs();
        Status? status = Cpu.Hypercall((ulong)function, x1, x2, x3, x4, x5);
        Invariants.Check(System);
        Assert.NotNull(status);
        return status.Value;
    }

    /// <summary>The same call on the second CPU.</summary>
    public Status Call2(OsFunction function, ulong x1 = 0, ulong x2 = 0, ulong x3 = 0, ulong x4 = 0)
    {
        Status? status = Cpu2.Hypercall((ulong)function, x1, x2, x3, x4);
        Invariants.Check(System);
        return status!.Value;
    }

    public ShieldAction Shield(ShieldFunction function, ulong x0 = 0, ulong x1 = 0, ulong x2 = 0)
    {
        Machine.Tables.FillTlbs();
        ShieldAction action = Cpu.Shield((uint)function, x0, x1, x2);
        Invariants.Check(System);
        return action;
    }

    public Status ShieldStatus(ShieldFunction function, ulong x0 = 0, ulong x1 = 0, ulong x2 = 0)
    {
        Assert.Equal(ShieldAction.Return, Shield(function, x0, x1, x2));
        return (Status)Cpu.Container.General[0];
    }

    /// <summary>Makes enclave 0 or 1 from the frames set aside for it; tables: 16.</summary>
    public ulong CreateEnclave(ulong n = 0, ulong tables = 16)
    {
        Assert.Equal(Status.Success, Call(OsFunction.CreateEnclave, F(512 + (n * 2)), F(n * 256), 256, F(520 + (n * 16)), tables));
        ulong handle = Cpu.Os.General[1];
        Machine.Tables.AddRoot(EnclaveTable.VttbrOf(new EnclaveHandle(handle).Index));
        return handle;
    }

    /// <summary>Frames of the n-th task's buffer, two each.</summary>
    public static ulong Buffer(ulong n) => 600 + (n * 2);

    public static ulong Context(ulong n) => 700 + n;

    public ulong CreateTask(ulong enclave, ulong n = 0)
    {
        Assert.Equal(Status.Success, Call(OsFunction.SharePages, enclave, F(Buffer(n)), 2));
        Assert.Equal(Status.Success, Call(OsFunction.TaskCreate, enclave, F(Context(n)), F(Buffer(n)), 2));
        return Cpu.Os.General[1];
    }

    /// <summary>An enclave with its first task ready.</summary>
    public (ulong Enclave, ulong Task) Start(ulong n = 0)
    {
        ulong enclave = CreateEnclave(n);
        ulong task = CreateTask(enclave, n * 20);
        Assert.Equal(Status.Success, Call(OsFunction.TaskClone, task, 0));
        return (enclave, task);
    }

    /// <summary>The same, running on the first CPU.</summary>
    public (ulong Enclave, ulong Task) Enter(ulong n = 0)
    {
        (ulong enclave, ulong task) = Start(n);
        Assert.True(Gate(task));
        return (enclave, task);
    }

    public bool Gate(ulong task, ulong offset = AbiConstants.GateResume, ulong x0 = 0, ulong x8 = 0, ulong sp = 0)
    {
        bool isIn = Cpu.Gate(task, offset, x0, x8, sp);
        Invariants.Check(System);
        return isIn;
    }

    /// <summary>A child of the task that runs on the first CPU: ticket, clone, the parent is in its call afterwards.</summary>
    public ulong Fork(ulong enclave, ulong parent, ulong n)
    {
        Assert.Equal(Status.Success, ShieldStatus(ShieldFunction.TicketIssue, 0x1111, 0x2222, 0x3333));
        Assert.Equal(ShieldAction.OsCall, Shield(ShieldFunction.OsCall));
        ulong child = CreateTask(enclave, n);
        Assert.Equal(Status.Success, Call(OsFunction.TaskClone, child, parent));
        return child;
    }

    public static TaskState StateOf(ulong task)
    {
        TaskTable.Find(new TaskHandle(task), out TaskState state);
        return state;
    }

    public static ref TaskContext ContextOf(ulong task) => ref TaskTable.At(new TaskHandle(task).Slot).Saved;

    /// <summary>Does any CPU still translate this frame's address for a world?</summary>
    public bool IsCached(ushort vmid, ulong ipa) => Machine.Tlbs.Any(tlb => tlb.TryFind(vmid, ipa, out _));
}
