using System;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>What only a broken or hostile container does: its enclave is stopped, and nothing else.</summary>
internal static class ContainerFaults
{
    /// <summary>A stage-2 fault: repeated if a block was just being split, else the end.</summary>
    public static void Handle(ref CpuLocal cpu, ref RegisterFile registers, ulong syndrome)
    {
        StageTwoFault fault = StageTwoFault.Read(syndrome, ref registers);
        if (!fault.IsKnown
            || (!fault.IsOther && EnclaveMemory.ShouldRetry(cpu.Record.Enclave, fault.Target, fault.IsWrite, fault.IsInstruction)))
        {
            return;
        }

        cpu.Record.Counters.StageTwoFaults++;
        Stop(ref cpu, "stage-2 fault"u8, syndrome, fault.Target.Value);
    }

    /// <summary>Stops the enclave of the running task, with a line on the console.</summary>
    public static void Stop(ref CpuLocal cpu, ReadOnlySpan<byte> reason, ulong syndrome, ulong target)
    {
        Audit.Refuse(AbiConstants.AuditRuleEnclaveStopped, cpu.Record.Enclave, syndrome, target);
        ref RegisterFile registers = ref cpu.Record.Running.Registers;
        MonitorConsole.Write("blackbox: enclave "u8);
        MonitorConsole.WriteDecimal(cpu.Record.Enclave);
        MonitorConsole.Write(" stopped: "u8);
        MonitorConsole.Write(reason);
        MonitorConsole.Write(" esr "u8);
        MonitorConsole.WriteHex(syndrome);
        MonitorConsole.Write(" pc "u8);
        MonitorConsole.WriteHex(registers.Pc);
        MonitorConsole.Write(" far "u8);
        MonitorConsole.WriteHex(El2Registers.ReadFarEl2());
        MonitorConsole.Write(" ipa "u8);
        MonitorConsole.WriteHex(target);
        MonitorConsole.EndLine();
        Gate.Leave(ref cpu, LeaveReason.Stop);
    }
}
