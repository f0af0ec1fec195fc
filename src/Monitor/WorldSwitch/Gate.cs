using BlackBox.Abi;
using BlackBox.Freestanding;

namespace BlackBox.Monitor;

/// <summary>Between the worlds: what the gate page leads to, and the ways back.</summary>
internal static class Gate
{
    private const ulong PageMask = FrameNumber.Size - 1;
    private const ulong VectorFromUser = 0x400;
    private const ulong SyndromeCall = 0x5600_0000;         // SVC #0 from AArch64
    private const ulong SyndromeFault = 0x9200_0047;        // data abort from EL0, write, translation fault level 3
    private const ulong SyndromeGone = 0x8200_0010;         // instruction abort from EL0, external
    private const ulong StepEnable = 1;                     // MDSCR_EL1.SS

    /// <summary>The OS's thread has fetched from the gate page.</summary>
    public static void Enter(ref CpuLocal cpu)
    {
        ref RegisterFile os = ref cpu.Os;
        if ((El2Registers.ReadMdscrEl1() & StepEnable) != 0 && (os.Pstate & Injection.StepBit) == 0)
        {
            Injection.SoftwareStep(ref os);    // due before this fetch; not every machine raises it by itself
            return;
        }

        TaskHandle handle = new(El2Registers.ReadTpidrEl0());
        switch (TaskGate.TryEnter(handle, os.Pc & PageMask, os.General[0], os.General[8], El2Registers.ReadSpEl0()))
        {
            case GateEntry.Retry:
                return;
            case GateEntry.Refused:
                Injection.Abort(ref os, isInstruction: true, Injection.ExternalAbort, os.Pc);
                return;
            default:
                break;
        }

        cpu.GateAddress = os.Pc & ~PageMask;
        SaveOs(ref cpu);
        LoadTask(ref cpu);
    }

    /// <summary>TaskExit runs a dying task inside the OS's hypercall. Its vector registers are not the thread's own: the kernel may keep
    /// another thread's state there.</summary>
    public static void EnterDying(ref CpuLocal cpu)
    {
        SaveOs(ref cpu);
        Hardware.SaveVectors(ref cpu.Os);
        LoadTask(ref cpu);
    }

    /// <summary>The container calls the OS: OsCall or OsFault.</summary>
    public static void Call(ref CpuLocal cpu, bool isFault)
    {
        PrepareCall(ref cpu.Os, ref TaskContext.At(cpu.Running.Frame).Registers, cpu.GateAddress, isFault);
        Leave(ref cpu, LeaveReason.Call);
    }

    /// <summary>The container leaves this CPU.</summary>
    public static void Leave(ref CpuLocal cpu, LeaveReason reason)
    {
        ref RegisterFile container = ref TaskContext.At(cpu.Running.Frame).Registers;
        El2.DataBarrier();    // TLB maintenance of this task is complete wherever it runs next
        Hardware.SaveRegisters(ref container);
        Hardware.SaveVectors(ref container);
        Departure departure = TaskGate.Leave(reason);    // from here on the context is no longer ours
        if (departure.Kind == DepartureKind.RunTask)
        {
            LoadTask(ref cpu);
            return;
        }

        cpu.Running = default;
        cpu.IsInContainer = 0;
        ref RegisterFile os = ref cpu.Os;
        switch (departure.Kind)
        {
            case DepartureKind.EnterOs:
                break;
            case DepartureKind.FinishHypercall:
                OsDispatcher.Finish(ref os, departure);
                break;
            case DepartureKind.AbortOs:
                Block.Clear(ref os.General);
                EnterVector(ref os, SyndromeGone, cpu.GateAddress, cpu.GateAddress);
                break;
            default:
                Block.Clear(ref os.General);
                os.Pc = cpu.GateAddress + AbiConstants.GateResume;
                os.Pstate &= ~Injection.StepBit;
                break;
        }

        Worlds.EnterOs();
        Hardware.LoadRegisters(ref os);
        El2Registers.WriteCntvCval(os.CntvCval);
        El2Registers.WriteCntvCtl(os.CntvCtl);
        if (departure.Kind == DepartureKind.FinishHypercall)
        {
            Hardware.LoadVectors(ref os);
        }

        CpuTable.Counters.WorldSwitches++;
    }

    // The OS's registers, which are in memory, as if the thread at the gate had made the call.
    private static void PrepareCall(ref RegisterFile os, ref RegisterFile container, ulong gate, bool isFault)
    {
        Block.Clear(ref os.General);
        if (isFault)
        {
            EnterVector(ref os, SyndromeFault, container.General[0], gate + AbiConstants.GateDone);
            return;
        }

        for (int i = 0; i <= 5; i++)
        {
            os.General[i] = container.General[i];
        }

        os.General[8] = container.General[8];
        EnterVector(ref os, SyndromeCall, os.Far, gate + AbiConstants.GateDone);
    }

    // The OS's EL1 registers are in memory: they are loaded next.
    private static void EnterVector(ref RegisterFile os, ulong syndrome, ulong address, ulong returnAddress)
    {
        os.Esr = syndrome;
        os.Far = address;
        os.Elr = returnAddress;
        os.Spsr = os.Pstate & ~Injection.StepBit;
        os.Pc = os.Vbar + VectorFromUser;
        os.Pstate = Injection.EntryPstate(os.Pstate, os.Sctlr);
    }

    private static void SaveOs(ref CpuLocal cpu)
    {
        Hardware.SaveRegisters(ref cpu.Os);
        // The virtual timer stays the OS's: it brings us back. What a container does to it is undone.
        cpu.Os.CntvCval = El2Registers.ReadCntvCval();
        cpu.Os.CntvCtl = El2Registers.ReadCntvCtl();
        CpuTable.Counters.WorldSwitches++;
    }

    private static void LoadTask(ref CpuLocal cpu)
    {
        PhysicalAddress frame = TaskGate.CurrentContext;
        ref TaskContext context = ref TaskContext.At(frame.Frame);
        cpu.Running = frame;
        cpu.IsInContainer = 1;
        Worlds.EnterContainer(TaskGate.CurrentVttbr, context.EventBits != 0);
        Hardware.LoadRegisters(ref context.Registers);
        Hardware.LoadVectors(ref context.Registers);
    }
}
