namespace BlackBox.Attacks;

/// <summary>PSCI and other SMCs. The container must not notice.</summary>
internal abstract class PowerAttack(string name, string tries, string control) : Attack(name, AttackFamily.Power, tries, control, AttackOutcome.Refused)
{
    protected const ulong CpuOn64 = 0xc400_0003;

    /// <summary>Makes the calls; what was accepted that should not have been, or null.</summary>
    protected abstract Task<(bool Control, string? Accepted)> AttackAsync(AttackSession session);

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var (control, accepted) = await AttackAsync(session);
        var isIntact = await guard.IsIntactAsync();
        return new Observation(control, accepted is not null ? AttackOutcome.Unexpected : isIntact ? AttackOutcome.Refused : AttackOutcome.EnclaveStopped, accepted ?? "all refused");
    }

    protected static Task<HostileAnswer> SmcAsync(AttackSession session, params ulong[] arguments) =>
        session.HostileAsync("smc " + string.Join(' ', arguments.Select(argument => $"0x{argument:x}")));
}
