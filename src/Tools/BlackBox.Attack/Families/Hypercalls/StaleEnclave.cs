using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>The handle of an enclave that is no more.</summary>
internal sealed class StaleEnclave() : Attack(
    "call-stale-enclave", AttackFamily.Hypercalls, "destroys, feeds and empties an enclave by the handle of one that has ended, when another has its place",
    "another enclave does get the place, and takes memory by its own handle", AttackOutcome.Refused)
{
    private const ulong IndexMask = 0xffff;

    public override string Mutant => "enclave-generation";

    internal override async Task<Observation> RunAsync(AttackSession session)
    {
        var first = await session.ProtectedAsync("enclave-first");
        var old = await CallAttack.EnclaveAsync(session, first);
        await session.ForgetAsync(first);
        await session.TryShellAsync("sleep 1");
        ulong handle = 0;
        Victim? second = null;
        for (var attempt = 0; attempt < 8 && (second is null || (handle & IndexMask) != (old & IndexMask)); attempt++)
        {
            second = await session.ProtectedAsync($"enclave-second-{attempt}");
            handle = await CallAttack.EnclaveAsync(session, second);
        }

        if (second is null || (handle & IndexMask) != (old & IndexMask))
        {
            return new Observation(false, AttackOutcome.None, $"no enclave got the place of 0x{old:x}");
        }

        var pool = await session.PoolAsync();
        var answers = await session.HostileAllAsync(
        [
            AttackSession.CallWords(OsFunction.GrantMemory, old, pool, 1),
            AttackSession.CallWords(OsFunction.ReclaimMemory, old, pool, 1),
            AttackSession.CallWords(OsFunction.SharePages, old, pool, 1),
            AttackSession.CallWords(OsFunction.UnsharePages, old, pool, 1),
            AttackSession.CallWords(OsFunction.DonateTables, old, pool + 0x1000, 1),
            AttackSession.CallWords(OsFunction.DestroyEnclave, old),
        ]);
        var control = await session.CallAsync(OsFunction.GrantMemory, handle, pool + 0x2000, 1);
        await session.CallAsync(OsFunction.ReclaimMemory, handle, pool + 0x2000, 1);
        var ended = await second.AskAsync('v', 20);
        await session.ForgetAsync(second);
        var accepted = answers.Count(answer => answer.Status >= 0);
        var outcome = accepted > 0 ? AttackOutcome.SilentChange : ended == "intact" ? AttackOutcome.Refused : AttackOutcome.EnclaveStopped;
        return new Observation(handle != old && (control.Status == 0 || accepted > 0), outcome, $"old 0x{old:x}, now 0x{handle:x}: {string.Join(' ', answers.Select(answer => answer.Status))}, then: {ended}");
    }
}
