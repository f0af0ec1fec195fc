namespace BlackBox.Attacks;

/// <summary>What EL0 may not execute.</summary>
internal sealed class Instructions() : ProgramAttack(
    "container-instructions", "executes HVC, SMC, ERET and accesses to registers of EL1 and EL2, debug, PMU, timers and TLBs as an ordinary program",
    "the monitor answers such a call when the kernel makes it", AttackOutcome.Faulted, 'i', "")
{
    protected override (bool Control, AttackOutcome Outcome) Judge(string answer, HostileAnswer before, HostileAnswer after) =>
        (true, answer.StartsWith("illegal ", StringComparison.Ordinal) ? AttackOutcome.Faulted : answer.StartsWith("BROKEN", StringComparison.Ordinal) ? AttackOutcome.SilentChange : AttackOutcome.Unexpected);
}
