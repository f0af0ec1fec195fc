using System;
using BlackBox.Abi;
using BlackBox.Monitor;

namespace BlackBox.Simulation;

/// <summary>One CPU as the world switch drives the monitor: the order of calls of src/Monitor/Hardware/README.md, without
/// registers beyond those that stand in the frames.</summary>
public sealed class SimulatedCpu(int index)
{
    private RegisterFile _os;

    /// <summary>Results x0-x3 of the last hypercall of the OS.</summary>
    public ref RegisterFile Os => ref _os;

    public int Index { get; } = index;

    /// <summary>Called before a task leaves this CPU (null: for a call to the OS), while its context is this CPU's alone.</summary>
    public Action<SimulatedCpu, LeaveReason?>? Leaving { get; set; }

    /// <summary>Called when a task has come to this CPU.</summary>
    public Action<SimulatedCpu>? Entered { get; set; }

    /// <summary>How the last container left this CPU.</summary>
    public Departure LastDeparture { get; private set; }

    /// <summary>What the last fetch from the gate page led to.</summary>
    public GateEntry LastEntry { get; private set; }

    /// <summary>Does a container run here?</summary>
    public bool IsInContainer
    {
        get
        {
            SimulatedMachine.Cpu = Index;
            return CpuRecord.Current.Task != 0;
        }
    }

    /// <summary>Registers of the container that runs here.</summary>
    public ref RegisterFile Container
    {
        get
        {
            SimulatedMachine.Cpu = Index;
            return ref CpuRecord.Current.Running.Registers;
        }
    }

    /// <summary>HVC of the OS. Null: the CPU now runs the dying task of TaskExit.</summary>
    public Status? Hypercall(ulong number, ulong x1 = 0, ulong x2 = 0, ulong x3 = 0, ulong x4 = 0, ulong x5 = 0)
    {
        SimulatedMachine.Cpu = Index;
        _os.General[0] = number >= OsDispatcher.Base ? number : OsDispatcher.Base + number;
        _os.General[1] = x1;
        _os.General[2] = x2;
        _os.General[3] = x3;
        _os.General[4] = x4;
        _os.General[5] = x5;
        if (OsDispatcher.Handle(ref _os) == OsAction.RunTask)
        {
            EnterWorld();
            return null;
        }

        return (Status)_os.General[0];
    }

    /// <summary>A thread of the OS fetches from the gate page.</summary>
    public bool Gate(ulong handle, ulong offset, ulong x0 = 0, ulong x8 = 0, ulong sp = 0)
    {
        SimulatedMachine.Cpu = Index;
        LastEntry = TaskGate.TryEnter(ref CpuRecord.Current, new TaskHandle(handle), offset, x0, x8, sp);
        if (LastEntry != GateEntry.Entered)
        {
            return false;
        }

        EnterWorld();
        return true;
    }

    /// <summary>HVC #n of the container that runs here; true: it runs on.</summary>
    public ShieldAction Shield(uint number, ulong x0 = 0, ulong x1 = 0, ulong x2 = 0)
    {
        ref RegisterFile frame = ref Container;
        frame.General[0] = x0;
        frame.General[1] = x1;
        frame.General[2] = x2;
        ShieldAction action = ShieldDispatcher.Handle(number, ref CpuRecord.Current, ref CpuRecord.Current.Running);
        switch (action)
        {
            case ShieldAction.OsCall or ShieldAction.OsFault:
                LeaveWorld(null);
                TaskGate.LeaveForCall(ref CpuRecord.Current, CpuRecord.Current.Running.Ended != 0);
                break;
            case ShieldAction.Switch:
                Leave(LeaveReason.Switch);
                break;
            case ShieldAction.Ended:
                Leave(LeaveReason.Ended);
                break;
            case ShieldAction.Stop:
                Leave(LeaveReason.Stop);
                break;
        }

        return action;
    }

    /// <summary>An interrupt comes while a container runs.</summary>
    public void Interrupt()
    {
        SimulatedMachine.Cpu = Index;
        Leave(LeaveReason.Interrupt);
    }

    private void Leave(LeaveReason reason)
    {
        LeaveWorld(reason);
        LastDeparture = TaskGate.Leave(ref CpuRecord.Current, reason);
        if (LastDeparture.Kind == DepartureKind.RunTask)
        {
            EnterWorld();
        }
        else if (LastDeparture.Kind == DepartureKind.FinishHypercall)
        {
            OsDispatcher.Finish(ref _os, LastDeparture);
        }
    }

    // The world switch loads VTTBR_EL2 from the CPU's record, and the OS's before it reports the task as gone.
    private void EnterWorld()
    {
        SimulatedMachine machine = SimulatedMachine.Current;
        machine.LoadedVttbr[Index] = CpuRecord.Current.Vttbr;
        if (!machine.Tables.HasRoot(CpuRecord.Current.Vttbr))
        {
            throw new SimulationException($"CPU {Index} enters a world that is not live: VTTBR {CpuRecord.Current.Vttbr:x}");
        }

        Entered?.Invoke(this);
    }

    private void LeaveWorld(LeaveReason? reason)
    {
        Leaving?.Invoke(this, reason);
        SimulatedMachine.Current.LoadedVttbr[Index] = 0;
    }
}
