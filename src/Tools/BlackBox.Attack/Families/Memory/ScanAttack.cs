namespace BlackBox.Attacks;

/// <summary>Searches RAM by one kind of mapping.</summary>
internal abstract class ScanAttack(string name, string tries, MappingMethod method) : Attack(
    name, AttackFamily.Memory, tries, "the secret of the same program, run unprotected, is found", AttackOutcome.Faulted)
{
    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var guard = await session.ProtectedAsync();
        var plain = await session.PlainAsync();
        var control = await session.ScanAllAsync(method, plain.Salt);
        var attack = await session.ScanAllAsync(method, guard.Salt);
        var outcome = attack["hits"] > 0 ? AttackOutcome.Leaked
            : !await guard.IsIntactAsync() ? AttackOutcome.SilentChange
            : attack["refused"] > 0 ? AttackOutcome.Faulted : AttackOutcome.Unexpected;
        return new Observation(control["hits"] > 0, outcome,
            $"protected: {attack["hits"]} places, {attack["refused"]} frames refused; unprotected: {control["hits"]} places");
    }
}
