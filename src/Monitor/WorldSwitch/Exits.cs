namespace BlackBox.Monitor;

/// <summary>Which vector was taken.</summary>
internal enum ExitKind : uint
{
    Synchronous = 0,
    Interrupt = 1,
    SystemError = 2,
}

/// <summary>Every exception from a lower level comes here, and leaves with the registers of whoever runs next in place.</summary>
internal static class Exits
{
    private const uint ClassHypercall = 0x16;
    private const uint ClassSmc = 0x17;
    private const uint ClassInstructionAbort = 0x20;
    private const uint ClassDataAbort = 0x24;
    private const ulong SmcLength = 4;

    public static void Handle(ref CpuLocal cpu, ExitKind kind)
    {
        CpuTable.Counters.Exits++;
        if (cpu.Running.Value == 0)
        {
            HandleOs(ref cpu, kind);
        }
        else
        {
            HandleContainer(ref cpu, kind);
        }
    }

    private static void HandleOs(ref CpuLocal cpu, ExitKind kind)
    {
        if (kind != ExitKind.Synchronous)
        {
            Hardware.Panic(PanicReason.CpuState);    // not routed here while the OS runs
        }

        ulong syndrome = El2Registers.ReadEsrEl2();
        switch ((uint)(syndrome >> 26))
        {
            case ClassInstructionAbort:
            case ClassDataAbort:
                OsAborts.Handle(ref cpu, syndrome);
                break;
            case ClassHypercall:
                if (!OsDispatcher.IsOurs(cpu.Os.General[0]))
                {
                    SmcFilter.Handle(ref cpu.Os, isSmc: false);
                }
                else if (OsDispatcher.Handle(ref cpu.Os) == OsAction.RunTask)
                {
                    Gate.EnterDying(ref cpu);
                }

                break;
            case ClassSmc:
                cpu.Os.Pc += SmcLength;    // a trapped SMC is not yet done
                SmcFilter.Handle(ref cpu.Os, isSmc: true);
                break;
            default:
                CpuTable.Counters.Refusals++;
                Injection.Undefined(ref cpu.Os);
                break;
        }
    }

    private static void HandleContainer(ref CpuLocal cpu, ExitKind kind)
    {
        if (kind == ExitKind.Interrupt)
        {
            CpuTable.Counters.Interrupts++;
            Gate.Leave(ref cpu, LeaveReason.Interrupt);
            return;
        }

        ulong syndrome = El2Registers.ReadEsrEl2();
        if (kind == ExitKind.SystemError)
        {
            ContainerFaults.Stop(ref cpu, "SError"u8, syndrome, 0);
            return;
        }

        ref RegisterFile registers = ref TaskContext.At(cpu.Running.Frame).Registers;
        switch ((uint)(syndrome >> 26))
        {
            case ClassHypercall:
                HandleShieldCall(ref cpu, ref registers, (uint)syndrome & 0xffff);
                break;
            case ClassInstructionAbort:
            case ClassDataAbort:
                ContainerFaults.Handle(ref cpu, ref registers, syndrome);
                break;
            case ClassSmc:
                registers.Pc += SmcLength;
                registers.General[0] = SmcFilter.NotSupported;
                break;
            default:
                Injection.Undefined(ref registers);    // its own shield's business
                break;
        }
    }

    private static void HandleShieldCall(ref CpuLocal cpu, ref RegisterFile registers, uint number)
    {
        switch (ShieldDispatcher.Handle(number, ref registers))
        {
            case ShieldAction.Return:
                break;
            case ShieldAction.ReturnEvents:
                Worlds.SetEvent(TaskContext.At(cpu.Running.Frame).EventBits != 0);
                break;
            case ShieldAction.OsCall:
                Gate.Call(ref cpu, isFault: false);
                break;
            case ShieldAction.OsFault:
                Gate.Call(ref cpu, isFault: true);
                break;
            case ShieldAction.Switch:
                Gate.Leave(ref cpu, LeaveReason.Switch);
                break;
            case ShieldAction.Ended:
                Gate.Leave(ref cpu, LeaveReason.Ended);
                break;
            default:
                Gate.Leave(ref cpu, LeaveReason.Stop);
                break;
        }
    }
}
