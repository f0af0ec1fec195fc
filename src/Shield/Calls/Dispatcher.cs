namespace BlackBox.Shield;

/// <summary>The way of a program through the shield: entry, system call or fault, return.</summary>
internal static class Dispatcher
{
    // Exception classes (ESR_EL1.EC, Arm ARM D17.2.37).
    private const ulong ClassSystemCall = 0x15;
    private const ulong ClassInstructionAbort = 0x20;
    private const ulong ClassPcAlignment = 0x22;
    private const ulong ClassDataAbort = 0x24;
    private const ulong ClassSpAlignment = 0x26;
    private const ulong ClassFloatingPoint = 0x2C;
    private const ulong ClassBreakpoint = 0x30;
    private const ulong ClassStep = 0x32;
    private const ulong ClassWatchpoint = 0x34;
    private const ulong ClassBrk = 0x3C;

    /// <summary>Data abort syndrome: the access was a write (WnR), cache maintenance (CM).</summary>
    private const ulong SyndromeWrite = 1 << 6;
    private const ulong SyndromeMaintenance = 1 << 8;

    // Signals and their codes (asm-generic/siginfo.h).
    private const int SigIll = 4;
    private const int SigTrap = 5;
    private const int SigBus = 7;
    private const int SigFpe = 8;
    private const int IllegalOpcode = 1;
    private const int TrapBreakpoint = 1;
    private const int TrapHardware = 4;
    private const int BusAlignment = 1;
    private const int BusObject = 3;
    private const int FloatingPointUnknown = 14;

    /// <summary>Calls to numbers without a row or a service.</summary>
    public static ulong Unknown { get; private set; }

    /// <summary>Entry from EL0, lock not held. Returns when the program goes on.</summary>
    public static void Enter(ref Thread thread, EntryKind kind, ulong syndrome, ulong address)
    {
        KernelLock.Acquire();
        if (kind == EntryKind.Synchronous)
        {
            Synchronous(ref thread, syndrome, address);
        }
        else if (kind == EntryKind.Other)
        {
            SignalEntry.Raise(ref thread, SigBus, BusObject, 0);
        }

        Leave(ref thread);
    }

    /// <summary>Last things before EL0: events, death, signals. Drops the lock.</summary>
    public static void Leave(ref Thread thread)
    {
        Frames.Trim(ref thread);
        while (true)
        {
            if (!Gate.TakeEvent(ref thread) || thread.ProcessEnding)
            {
                Exits.EndNow(ref thread);
            }

            if (!SignalEntry.HasWork(ref thread))
            {
                break;
            }

            SignalEntry.Deliver(ref thread, restart: false);
        }

        KernelLock.Release();
    }

    private static void Synchronous(ref Thread thread, ulong syndrome, ulong address)
    {
        // The top byte is the program's (TBI); bit 55 tells the halves apart.
        address = (ulong)((long)(address << 8) >> 8);
        ulong at = thread.Registers.Pc;
        switch (syndrome >> 26)
        {
            case ClassSystemCall:
                SystemCall(ref thread);
                break;
            case ClassDataAbort:
                bool write = (syndrome & SyndromeWrite) != 0 && (syndrome & SyndromeMaintenance) == 0;
                Fault(ref thread, address, write ? UserAccess.Write : UserAccess.Read);
                break;
            case ClassInstructionAbort:
                Fault(ref thread, address, UserAccess.Execute);
                break;
            case ClassPcAlignment:
            case ClassSpAlignment:
                SignalEntry.Raise(ref thread, SigBus, BusAlignment, at);
                break;
            case ClassFloatingPoint:
                SignalEntry.Raise(ref thread, SigFpe, FloatingPointUnknown, at);
                break;
            case ClassBrk:
                SignalEntry.Raise(ref thread, SigTrap, TrapBreakpoint, at);
                break;
            case ClassBreakpoint:
            case ClassStep:
            case ClassWatchpoint:
                SignalEntry.Raise(ref thread, SigTrap, TrapHardware, at);
                break;
            default:
                SignalEntry.Raise(ref thread, SigIll, IllegalOpcode, at);
                break;
        }
    }

    private static void Fault(ref Thread thread, ulong address, UserAccess access)
    {
        int serviceBytes = ThreadBuffers.Widen(ref thread);
        FaultOutcome outcome = AddressSpaces.Fault(ref thread, address, access);
        thread.ServiceBytes = serviceBytes;
        if (outcome.Signal != 0 && !thread.Dying)
        {
            SignalEntry.Raise(ref thread, outcome.Signal, outcome.Code, address);
        }
    }

    private static void SystemCall(ref Thread thread)
    {
        ref UserRegisters registers = ref thread.Registers;
        registers.FirstArgument = registers.X[0];
        CallArguments arguments = default;
        arguments[0] = registers.X[0];
        arguments[1] = registers.X[1];
        arguments[2] = registers.X[2];
        arguments[3] = registers.X[3];
        arguments[4] = registers.X[4];
        arguments[5] = registers.X[5];

        long result = Serve(ref thread, (uint)registers.X[8], ref arguments);
        if (result == CallResult.NoReturn)
        {
            return;
        }

        if (result == -Errno.ERESTARTSYS)
        {
            // The handler runs first, and returns to the SVC.
            registers.Pc -= 4;
            registers.X[0] = registers.FirstArgument;
            return;
        }

        registers.X[0] = (ulong)result;
    }

    /// <summary>Result of a call, by its row in the table.</summary>
    public static long Serve(ref Thread thread, uint number, ref CallArguments arguments)
    {
        CallRule rule = CallTable.Get(number);
        switch (rule.Service)
        {
            case CallService.Forwarder:
                return Forwarder.Forward(ref thread, (Sys)number, ref arguments, rule);
            case CallService.Handler:
                long most = rule.Most(ref arguments);
                long result = CallHandlers.Serve(number, ref thread, ref arguments);
                return result <= most ? result : PlainCall.Lie();
            case CallService.Denied:
                return -rule.Error;
            default:
                Unknown++;
                return -Errno.ENOSYS;
        }
    }
}
