using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>What the hardware code does after a hypercall of the OS.</summary>
public enum OsAction
{
    /// <summary>Return to the OS; x0-x3 of the frame are set.</summary>
    Return,

    /// <summary>TaskExit: keep the OS's context on this CPU and run the current task until <see cref="TaskGate.Leave"/> says FinishHypercall.</summary>
    RunTask,
}

/// <summary>Hypercalls of the OS: decodes the arguments, then performs. Whatever the registers hold leads to a status.</summary>
public static class OsDispatcher
{
    /// <summary>First function number: SMCCC fast call, 64-bit, vendor-specific hypervisor service.</summary>
    public const ulong Base = (ulong)OsFunction.Version;

    /// <summary>Is x0 of the HVC one of ours? Other numbers (SMCCC version and discovery) are Platform's business.</summary>
    public static bool IsOurs(ulong function) => (function & ~0xffffUL) == Base;

    /// <summary>Handles HVC #0 of the OS at EL1; arguments and results in x0-x6 of <paramref name="frame"/>. Other registers stay.</summary>
    public static OsAction Handle(ref RegisterFile frame)
    {
        Result result = default;
        Status status = Perform(ref frame, ref result, out bool mustRun);
        if (mustRun)
        {
            return OsAction.RunTask;
        }

        if (status is not (Status.Success or Status.Again or Status.NeedTables or Status.Busy))
        {
            Audit.Refuse(AbiConstants.AuditRuleOsCall, Audit.NoEnclave, frame.General[0], frame.General[1], status);
        }

        Finish(ref frame, status, result);
        return OsAction.Return;
    }

    /// <summary>Puts the outcome of a TaskExit that ran the task into the OS's frame.</summary>
    public static void Finish(ref RegisterFile frame, Departure departure) => Finish(ref frame, departure.Status, default);

    private static void Finish(ref RegisterFile frame, Status status, Result result)
    {
        frame.General[0] = unchecked((ulong)status);
        frame.General[1] = result.First;
        frame.General[2] = result.Second;
        frame.General[3] = 0;
    }

    private static Status Perform(ref RegisterFile frame, ref Result result, out bool mustRun)
    {
        mustRun = false;
        ulong x1 = frame.General[1];
        ulong x2 = frame.General[2];
        ulong x3 = frame.General[3];
        ulong x4 = frame.General[4];
        ulong x5 = frame.General[5];
        switch ((OsFunction)frame.General[0])
        {
            case OsFunction.Version:
                result.First = Version;
                result.Second = MonitorFeatures.Value;
                return Status.Success;
            case OsFunction.CreateEnclave:
                return CreateEnclave(x1, x2, x3, x4, x5, ref result);
            case OsFunction.DestroyEnclave:
                return EnclaveLife.Destroy(new EnclaveHandle(x1), out result.First);
            case OsFunction.DonateTables:
                return !FrameRange.TryDecode(x2, x3, Constants.MaximumTableFrames, out FrameRange range) ? Status.Invalid
                    : EnclaveMemory.DonateTables(new EnclaveHandle(x1), range);
            case OsFunction.GrantMemory:
                return !FrameRange.TryDecode(x2, x3, Constants.MaximumFrames, out range) || !range.IsInOneBlock ? Status.Invalid
                    : EnclaveMemory.Grant(new EnclaveHandle(x1), range);
            case OsFunction.ReclaimMemory:
                return !FrameRange.TryDecode(x2, x3, Constants.MaximumFrames, out range) ? Status.Invalid
                    : EnclaveMemory.Reclaim(new EnclaveHandle(x1), range, out result.First);
            case OsFunction.SharePages:
                return !FrameRange.TryDecode(x2, x3, Constants.MaximumFrames, out range) ? Status.Invalid
                    : EnclaveMemory.Share(new EnclaveHandle(x1), range);
            case OsFunction.UnsharePages:
                return !FrameRange.TryDecode(x2, x3, Constants.MaximumFrames, out range) ? Status.Invalid
                    : EnclaveMemory.Unshare(new EnclaveHandle(x1), range);
            case OsFunction.TaskCreate:
                return TaskCreate(x1, x2, x3, x4, ref result);
            case OsFunction.TaskClone:
                return TaskLife.Clone(new TaskHandle(x1), new TaskHandle(x2));
            case OsFunction.TaskExec:
                return TaskLife.Exec(new TaskHandle(x1));
            case OsFunction.TaskExit:
                return TaskLife.Exit(new TaskHandle(x1), out mustRun);
            case OsFunction.TaskDestroy:
                Status status = TaskLife.Destroy(new TaskHandle(x1), out PhysicalAddress context);
                result.First = context.Value;
                return status;
            case OsFunction.Statistics:
                return StatisticsReport.Write(x1, new EnclaveHandle(x2), x3);
            default:
                return Status.NotSupported;
        }
    }

    private static Status CreateEnclave(ulong root, ulong memory, ulong frames, ulong tables, ulong tableFrames, ref Result result)
    {
        if (!FrameRange.TryDecode(root, 2, 2, out FrameRange rootRange)
            || rootRange.First.Value % 2 != 0
            || !FrameRange.TryDecode(memory, frames, Constants.MaximumFrames, out FrameRange memoryRange)
            || frames < AbiConstants.EnclaveStartFrames
            || (frames & (frames - 1)) != 0
            || memoryRange.First.Value % frames != 0
            || !FrameRange.TryDecode(tables, tableFrames, Constants.MaximumTableFrames, out FrameRange tableRange))
        {
            return Status.Invalid;
        }

        Status status = EnclaveLife.Create(rootRange, memoryRange, tableRange, out EnclaveHandle handle);
        result.First = handle.Value;
        return status;
    }

    private static Status TaskCreate(ulong enclave, ulong context, ulong buffer, ulong bufferFrames, ref Result result)
    {
        if (!FrameRange.TryDecode(context, 1, 1, out FrameRange contextRange)
            || !FrameRange.TryDecode(buffer, bufferFrames, Constants.MaximumBufferFrames, out FrameRange bufferRange)
            || bufferFrames < 2)
        {
            return Status.Invalid;
        }

        Status status = TaskLife.Create(new EnclaveHandle(enclave), contextRange, bufferRange, out TaskHandle handle);
        result.First = status == Status.Success ? handle.Value : 0;
        return status;
    }

    private const ulong Version = (AbiConstants.VersionMajor << 16) | AbiConstants.VersionMinor;

    private struct Result
    {
        public ulong First;
        public ulong Second;
    }
}
