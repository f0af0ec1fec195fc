using System.Runtime.CompilerServices;
using BlackBox.Abi;

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
    private const ulong FaultMask = 0xbf;                   // of ESR_EL2: S1PTW, IFSC
    private const ulong PageAndFault = 0x0000_ffff_ffff_f001; // of PAR_EL1: PA, F

    /// <summary>Is this instruction abort of the OS a 64-bit EL0 fetch from the gate page?</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFetch(ref RegisterFile os, ulong syndrome) =>
        (syndrome & FaultMask) == Injection.PermissionFault
        && Injection.IsUser64(os.Pstate)
        && (El2.TranslateReadEl0(os.Pc) & PageAndFault) == AbiConstants.GateIpa;

    /// <summary>The OS's thread has fetched from the gate page.</summary>
    public static void Enter(ref CpuLocal cpu)
    {
        ref RegisterFile os = ref cpu.Os;
        Hardware.SaveRegisters(ref os, withTimer: true);
        if ((os.Mdscr & StepEnable) != 0 && (os.Pstate & Injection.StepBit) == 0)
        {
            Injection.SoftwareStep(ref os);    // due before this fetch; not every machine raises it by itself
            return;
        }

        switch (TaskGate.TryEnter(ref cpu.Record, new TaskHandle(os.TpidrEl0), os.Pc & PageMask, os.General[0], os.General[8], os.SpEl0))
        {
            case GateEntry.Entered:
                cpu.GateAddress = os.Pc & ~PageMask;
                LoadTask(ref cpu, isFromOs: true);
                break;
            case GateEntry.Refused:
                Injection.Abort(ref os, isInstruction: true, Injection.ExternalAbort, os.Pc);
                break;
            default:
                break;
        }
    }

    /// <summary>TaskExit runs a dying task inside the OS's hypercall. Its vector registers are not the thread's own: the kernel may keep
    /// another thread's state there.</summary>
    public static void EnterDying(ref CpuLocal cpu)
    {
        Hardware.SaveRegisters(ref cpu.Os, withTimer: true);
        Hardware.SaveVectors(ref cpu.Os);
        LoadTask(ref cpu, isFromOs: true);
    }

    /// <summary>The container calls the OS: OsCall or OsFault.</summary>
    public static void Call(ref CpuLocal cpu, ref TaskContext context, bool isFault)
    {
        PrepareCall(ref cpu.Os, ref context.Registers, cpu.GateAddress, isFault);
        bool isLast = context.Ended != 0;
        SaveTask(ref context.Registers);
        Worlds.EnterOs();    // before anybody may learn that the task is gone: no walk in its tables from here on
        TaskGate.LeaveForCall(ref cpu.Record, isLast);    // from here on the context is no longer ours
        LoadOs(ref cpu);
    }

    /// <summary>The container leaves this CPU for another reason.</summary>
    public static void Leave(ref CpuLocal cpu, LeaveReason reason)
    {
        SaveTask(ref cpu.Record.Running.Registers);
        if (reason != LeaveReason.Switch)
        {
            Worlds.EnterOs();
        }

        Departure departure = TaskGate.Leave(ref cpu.Record, reason);
        ref RegisterFile os = ref cpu.Os;
        switch (departure.Kind)
        {
            case DepartureKind.RunTask:
                LoadTask(ref cpu, isFromOs: false);
                return;
            case DepartureKind.FinishHypercall:
                OsDispatcher.Finish(ref os, departure);
                Hardware.LoadVectors(ref os);
                break;
            case DepartureKind.AbortOs:
                os.General = default;
                EnterVector(ref os, SyndromeGone, cpu.GateAddress, cpu.GateAddress);
                break;
            default:
                os.General = default;
                os.Pc = cpu.GateAddress + AbiConstants.GateResume;
                os.Pstate &= ~Injection.StepBit;
                break;
        }

        LoadOs(ref cpu);
    }

    // The OS's registers, which are in memory, as if the thread at the gate had made the call.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrepareCall(ref RegisterFile os, ref RegisterFile container, ulong gate, bool isFault)
    {
        os.General = default;
        if (isFault)
        {
            EnterVector(ref os, SyndromeFault, container.General[0], gate + AbiConstants.GateDone);
            return;
        }

        os.General[0] = container.General[0];
        os.General[1] = container.General[1];
        os.General[2] = container.General[2];
        os.General[3] = container.General[3];
        os.General[4] = container.General[4];
        os.General[5] = container.General[5];
        os.General[8] = container.General[8];
        EnterVector(ref os, SyndromeCall, os.Far, gate + AbiConstants.GateDone);
    }

    // The OS's EL1 registers are in memory: they are loaded next.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EnterVector(ref RegisterFile os, ulong syndrome, ulong address, ulong returnAddress)
    {
        os.Esr = syndrome;
        os.Far = address;
        os.Elr = returnAddress;
        os.Spsr = os.Pstate & ~Injection.StepBit;
        os.Pc = os.Vbar + VectorFromUser;
        os.Pstate = Injection.EntryPstate(os.Pstate, os.Sctlr);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SaveTask(ref RegisterFile container)
    {
        El2.DataBarrier();    // TLB maintenance of this task is complete wherever it runs next
        Hardware.SaveRegisters(ref container, withTimer: false);
        Hardware.SaveVectors(ref container);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadOs(ref CpuLocal cpu)
    {
        Hardware.LoadRegisters(ref cpu.Os, withTimer: true);
        cpu.Record.Counters.WorldSwitches++;
    }

    private static void LoadTask(ref CpuLocal cpu, bool isFromOs)
    {
        if (isFromOs)
        {
            Worlds.EndStreaming();    // trapped as soon as the world is a container's, at EL2 as well
        }

        ref TaskContext context = ref cpu.Record.Running;
        Worlds.EnterContainer(cpu.Record.Vttbr, context.EventBits != 0);
        Hardware.LoadRegisters(ref context.Registers, withTimer: false);
        Hardware.LoadVectors(ref context.Registers);
        cpu.Record.Counters.WorldSwitches++;
    }
}
