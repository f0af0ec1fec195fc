using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>An access of the OS that its stage-2 does not allow.</summary>
internal static class OsAborts
{
    public static void Handle(ref CpuLocal cpu, ulong syndrome)
    {
        ref RegisterFile os = ref cpu.Os;
        StageTwoFault fault = StageTwoFault.Read(syndrome, ref os);
        if (!fault.IsKnown || (!fault.IsOther && OsStageTwo.ShouldRetry(fault.Target, fault.IsWrite, fault.IsInstruction)))
        {
            return;
        }

        if (fault.IsWrite && Redistributors.TryWrite(ref os, syndrome, fault.Target.Value | (fault.Address & (FrameNumber.Size - 1))))
        {
            return;
        }

        cpu.Record.Counters.StageTwoFaults++;
        Audit.Refuse(AbiConstants.AuditRuleOsAccess, Audit.NoEnclave, syndrome, fault.Target.Value);
        Injection.Abort(ref os, fault.IsInstruction, fault.Passed | StatusFor(ref os, fault), fault.Address);
    }

    // A permission fault for a kernel address meets the kernel's fix-ups. For a user address it would make uaccess retry for ever, and a
    // user's own access must end in a signal: external abort.
    private static ulong StatusFor(ref RegisterFile os, StageTwoFault fault)
    {
        bool isKernelAddress = (fault.Address >> 55 & 1) != 0;
        return fault.IsWalk ? Injection.ExternalAbortOnWalk
            : isKernelAddress && !Injection.IsUser(os.Pstate) ? Injection.PermissionFault
            : Injection.ExternalAbort;
    }
}
