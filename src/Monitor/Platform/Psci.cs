using System.Threading;

namespace BlackBox.Monitor;

/// <summary>What the monitor knows of a CPU for CPU_ON.</summary>
internal enum PowerState : uint
{
    /// <summary>Never started, or in CPU_OFF.</summary>
    Off = 0,

    /// <summary>CPU_ON was called; not at the OS's entry point yet.</summary>
    Starting = 1,

    /// <summary>Runs the OS.</summary>
    On = 2,
}

/// <summary>PSCI of the OS (Arm DEN0022): every CPU comes to EL1 through the monitor, and nobody's memory survives a reset.</summary>
internal static class Psci
{
    public const uint Version = 0x8400_0000;
    public const uint CpuSuspend = 0x8400_0001;
    public const uint CpuSuspend64 = 0xc400_0001;
    public const uint CpuOff = 0x8400_0002;
    public const uint CpuOn = 0x8400_0003;
    public const uint CpuOn64 = 0xc400_0003;
    public const uint AffinityInfo = 0x8400_0004;
    public const uint AffinityInfo64 = 0xc400_0004;
    public const uint MigrateInfoType = 0x8400_0006;
    public const uint SystemOff = 0x8400_0008;
    public const uint SystemReset = 0x8400_0009;
    public const uint Features = 0x8400_000a;
    public const uint SystemReset2 = 0x8400_0012;
    public const uint SystemReset264 = 0xc400_0012;

    private const uint SmcccVersion = 0x8000_0000;
    private const ulong InvalidParameters = unchecked((ulong)-2);
    private const ulong AlreadyOn = unchecked((ulong)-4);
    private const ulong OnPending = unchecked((ulong)-5);
    private const ulong InvalidAddress = unchecked((ulong)-9);

    // power_state: StateType, in the original and in the extended format
    private const uint PowerDown = 1u << 16;
    private const uint PowerDownExtended = 1u << 30;

    /// <summary>Handles a call of the OS. False: not a function of PSCI that the OS may use.</summary>
    public static bool TryHandle(ref RegisterFile os, uint function)
    {
        switch (function)
        {
            case Version:
            case MigrateInfoType:
                SmcFilter.Answer(ref os, Firmware.Call(function));
                return true;
            case AffinityInfo:
            case AffinityInfo64:
                SmcFilter.Answer(ref os, Firmware.Call(function, Argument(os.General[1], function), Argument(os.General[2], function)));
                return true;
            case Features:
                SmcFilter.Answer(ref os, FeaturesOf((uint)os.General[1]));
                return true;
            case CpuOn:
            case CpuOn64:
                SmcFilter.Answer(ref os, Start(Argument(os.General[1], function), Argument(os.General[2], function), Argument(os.General[3], function)));
                return true;
            case CpuOff:
                Volatile.Write(ref CpuLocal.Current.Power, (uint)PowerState.Off);
                ulong refusal = Firmware.Call(CpuOff);
                Volatile.Write(ref CpuLocal.Current.Power, (uint)PowerState.On);
                SmcFilter.Answer(ref os, refusal);
                return true;
            case CpuSuspend:
            case CpuSuspend64:
                SmcFilter.Answer(ref os, Suspend((uint)os.General[1]));
                return true;
            case SystemOff:
            case SystemReset:
            case SystemReset2:
            case SystemReset264:
                Shutdown.Run(function, os.General[1], os.General[2]);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Starts a CPU at the OS's entry point, by way of the monitor's.</summary>
    private static ulong Start(ulong affinity, ulong entry, ulong argument)
    {
        int target = Cpus.Find(affinity);
        if (target < 0)
        {
            return InvalidParameters;
        }

        if ((entry & 3) != 0 || !OsStageTwo.ShouldRetry(new IntermediateAddress(entry & ~(FrameNumber.Size - 1)), isWrite: false, isExecute: true))
        {
            return InvalidAddress;
        }

        ref CpuLocal local = ref Hardware.LocalOf(target);
        PowerState seen = (PowerState)Interlocked.CompareExchange(ref local.Power, (uint)PowerState.Starting, (uint)PowerState.Off);
        if (seen != PowerState.Off)
        {
            return seen == PowerState.On ? AlreadyOn : OnPending;
        }

        local.EntryPoint = entry;
        local.EntryArgument = argument;
        El2.DataBarrierSystem();
        ulong status = Firmware.Call(CpuOn64, affinity, El2.SecondaryStart(), (ulong)target);
        if (status != 0)
        {
            Volatile.Write(ref local.Power, (uint)PowerState.Off);
        }

        return status;
    }

    // Standby only: a power-down state would come back at an entry point.
    private static ulong Suspend(uint state)
    {
        bool isExtended = (Firmware.Call(Features, CpuSuspend64) & 2) != 0;
        return (state & (isExtended ? PowerDownExtended : PowerDown)) != 0 ? InvalidParameters : Firmware.Call(CpuSuspend64, state);
    }

    private static ulong FeaturesOf(uint function) => function switch
    {
        SmcccVersion => 0,
        Version or CpuSuspend or CpuSuspend64 or CpuOff or CpuOn or CpuOn64 or AffinityInfo or AffinityInfo64 or MigrateInfoType or SystemOff or SystemReset
            or Features or SystemReset2 or SystemReset264 => Firmware.Call(Features, function),
        _ => SmcFilter.NotSupported,
    };

    // A 32-bit function takes the low halves.
    private static ulong Argument(ulong value, uint function) => (function >> 30 & 1) != 0 ? value : (uint)value;
}
