using System.Runtime.CompilerServices;
using BlackBox.Abi;

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Handle(ref CpuLocal cpu, ExitKind kind, ulong syndrome)
    {
        cpu.Record.Counters.Exits++;
        if (cpu.IsInContainer)
        {
            HandleContainer(ref cpu, ref cpu.Record.Running, kind, syndrome);
        }
        else
        {
            HandleOs(ref cpu, kind, syndrome);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HandleOs(ref CpuLocal cpu, ExitKind kind, ulong syndrome)
    {
        if (kind != ExitKind.Synchronous)
        {
            Hardware.Panic("state of a CPU"u8);    // not routed here while the OS runs
        }

        switch ((uint)(syndrome >> 26))
        {
            case ClassInstructionAbort when Gate.IsFetch(ref cpu.Os, syndrome):
                Gate.Enter(ref cpu);
                break;
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
                Audit.Refuse(AbiConstants.AuditRuleOsTrap, Audit.NoEnclave, syndrome, cpu.Os.Pc);
                Injection.Undefined(ref cpu.Os);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HandleContainer(ref CpuLocal cpu, ref TaskContext context, ExitKind kind, ulong syndrome)
    {
        if (kind == ExitKind.Interrupt)
        {
            cpu.Record.Counters.Interrupts++;
            Gate.Leave(ref cpu, LeaveReason.Interrupt);
            return;
        }

        if (kind == ExitKind.SystemError)
        {
            ContainerFaults.Stop(ref cpu, "SError"u8, syndrome, 0);
            return;
        }

        switch ((uint)(syndrome >> 26))
        {
            case ClassHypercall:
                HandleShieldCall(ref cpu, ref context, (uint)syndrome & 0xffff);
                break;
            case ClassInstructionAbort:
            case ClassDataAbort:
                ContainerFaults.Handle(ref cpu, ref context.Registers, syndrome);
                break;
            case ClassSmc:
                context.Registers.Pc += SmcLength;
                context.Registers.General[0] = SmcFilter.NotSupported;
                break;
            default:
                Injection.Undefined(ref context.Registers);    // its own shield's business
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HandleShieldCall(ref CpuLocal cpu, ref TaskContext context, uint number)
    {
        ShieldAction action = ShieldDispatcher.Handle(number, ref cpu.Record, ref context);
        switch (action)
        {
            case ShieldAction.Return:
                break;
            case ShieldAction.ReturnEvents:
                Worlds.SetEvent(context.EventBits != 0);
                break;
            case ShieldAction.OsCall or ShieldAction.OsFault:
                Gate.Call(ref cpu, ref context, action == ShieldAction.OsFault);
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
